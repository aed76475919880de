"""What others may listen to."""

from __future__ import annotations

from django.dispatch import Signal

__all__ = ["server_changed"]

server_changed = Signal()
"""A list of a server changed, or something that it serves.

Arguments: ``server`` (path), ``kind`` (``"tools"``, ``"prompts"``, ``"resources"``, or ``"resource"`` with ``uri``),
and ``announced``: ``False`` when it is this process's own list, which concerns nobody while it serves nobody.
"""
