"""What others may listen to."""

from __future__ import annotations

from django.dispatch import Signal

__all__ = [
    "access_refused",
    "client_disconnected",
    "client_registered",
    "components_changed",
    "consent_denied",
    "consent_given",
    "oauth_refused",
    "server_changed",
    "token_revoked",
    "webhook_received",
]

server_changed = Signal()
"""A list of a server changed, or something that it serves.

Arguments: ``server`` (path), ``kind`` (``"tools"``, ``"prompts"``, ``"resources"``, or ``"resource"`` with ``uri``),
and ``announced``: ``False`` when it is this process's own list, which concerns nobody while it serves nobody.
"""

components_changed = Signal()
"""A component of a server was switched on or off, or all are to be compiled anew. Arguments: ``server`` (path),
``compile`` (a bool)."""

access_refused = Signal()
"""A request was refused for who sent it; the sender is the class ``Principal``. Receivers run in a thread.

Arguments: ``reason`` (a word, see docs/how-to/permissions.md), ``server`` (path), ``principal``, and ``component``
(kind and key, or empty).
"""

consent_given = Signal()
"""Somebody allowed a client to act for them.

Arguments: ``request``, ``application``, ``scopes`` (sorted), and ``step_up``: whether it had been allowed to before.
"""

consent_denied = Signal()
"""Somebody was asked and said no. Arguments: ``request``, ``application``."""

client_registered = Signal()
"""A client registered itself (RFC 7591). Arguments: ``request``, ``application``."""

client_disconnected = Signal()
"""All tokens that a client had of a user ended. Arguments: ``user``, ``application``."""

token_revoked = Signal()
"""A token was ended, by its client (RFC 7009) or by staff. Arguments: ``request``, ``application`` (or ``None``)."""

oauth_refused = Signal()
"""A client was refused. Arguments: ``request``, ``what`` (``"token"``, ...), ``status``, ``error`` (RFC 6749 §5.2)."""

webhook_received = Signal()
"""Another service told something, and signed it; the sender is the class ``routes.Webhook``. What a receiver raises is
answered 500, so that the service sends it again.

Arguments: ``event`` (a ``WebhookEvent``), ``request``.
"""
