"""What is written to the row of a session after it was opened. All of it runs in threads."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from mcp_django.auth import Principal
from mcp_django.conf import get_settings
from mcp_django.models import Session
from mcp_django.sessions.connection import Connection

NOBODY = ("", "")
"""The owner of a session that was opened before anybody signed in."""


def idle_since() -> datetime:
    """Return the moment since which a session must have been seen, not to be over."""
    return timezone.now() - timedelta(seconds=get_settings().SESSION_IDLE_SECONDS)


def take_over(session_id: str, principal: Principal) -> None:
    """Give nobody's session to who comes back with a token (``AUTH = "optional"``). The first who does has it."""
    if principal.account is not None:
        Session.objects.filter(pk=session_id, user=None, client_id="").update(
            user_id=principal.account.pk, client_id=principal.client_id or "", seen=timezone.now()
        )


def write_handshake(session_id: str, session: Connection) -> None:
    """Write what a client has said of itself."""
    said = {"client_info": session.client_info, "capabilities": session.client_capabilities}
    Session.objects.filter(pk=session_id).update(protocol_version=session.version, **said, seen=timezone.now())


def write_level(session_id: str, level: str) -> None:
    """Write from which level on the client wants log messages."""
    Session.objects.filter(pk=session_id).update(log_level=level, seen=timezone.now())


def write_stream(session_id: str, token: str) -> None:
    """Write on which stream the client listens."""
    Session.objects.filter(pk=session_id).update(stream=token, seen=timezone.now())


def write_subscription(session_id: str, uri: str, add: bool) -> set[str]:  # noqa: FBT001
    """Change the row as it is now: another worker may have changed it since it was read here."""
    with transaction.atomic():
        session = Session.objects.select_for_update().filter(pk=session_id).first()
        if session is None:
            return set()
        kept = set(session.subscriptions)
        (kept.add if add else kept.discard)(uri)
        session.subscriptions = sorted(kept)
        session.save(update_fields=["subscriptions"])
    return kept
