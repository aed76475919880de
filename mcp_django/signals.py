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
    "refused",
    "resource_read",
    "server_changed",
    "session_closed",
    "session_opened",
    "token_revoked",
    "tool_called",
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

tool_called = Signal()
"""A tool was called, or could not be; the sender is the class ``Call``.

Arguments: ``call``, a ``mcp_django.models.Call`` that has all of the row's values and no primary key. Receivers run in
the thread that records calls, up to a second later; with ``ACTIVITY = "strict"`` before the answer.
"""

resource_read = Signal()
"""A resource was read, or could not be. Sender and arguments as of ``tool_called``."""

refused = Signal()
"""A request was refused: for who sent it, for what it was, or for a limit. Sender and arguments as of ``tool_called``.

``call.error`` says why, in a word; ``call.method`` is empty when it was refused before it was read.
"""

session_opened = Signal()
"""A handshake client has opened a session; the sender is the class ``Session``. Receivers run in a thread.

Arguments: ``session_id``, ``server`` (path), ``user_id`` (or ``None``), ``client_id``, ``transport``.
"""

session_closed = Signal()
"""A session was ended, by its client or somebody else; the sender is the class ``Session``. Receivers run in a thread.

Arguments: ``session_id``. Of one that expired, nobody is told.
"""
