"""What others may listen to."""

from __future__ import annotations

from django.dispatch import Signal

__all__ = ["access_refused", "server_changed"]

server_changed = Signal()
"""A list of a server changed, or something that it serves.

Arguments: ``server`` (path), ``kind`` (``"tools"``, ``"prompts"``, ``"resources"``, or ``"resource"`` with ``uri``),
and ``announced``: ``False`` when it is this process's own list, which concerns nobody while it serves nobody.
"""

access_refused = Signal()
"""A request was refused for who sent it; the sender is the class ``Principal``. Receivers run in a thread.

Arguments: ``reason`` (a word, see docs/how-to/permissions.md), ``server`` (path), ``principal``, and ``component``
(kind and key, or empty).
"""
