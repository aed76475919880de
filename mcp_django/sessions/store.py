"""Sessions of handshake clients: rows that any worker can read, kept in the process for a moment."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from weakref import WeakSet

from django.utils import timezone

from mcp_django.auth import Principal
from mcp_django.conf import get_settings
from mcp_django.lanes import on_own_thread
from mcp_django.models import Session
from mcp_django.sessions.connection import Connection, LogLevel, Transport, short_capabilities, short_info
from mcp_django.sessions.hub import Hub, get_hub
from mcp_django.sessions.rows import (
    NOBODY,
    idle_since,
    take_over,
    write_handshake,
    write_level,
    write_stream,
    write_subscription,
)
from mcp_django.signals import session_closed, session_opened

FRESH_SECONDS = 5
"""A session that was read so long ago is used again without a look at the database. This bounds how long an ended one
can still be used on a worker that was not told of its end; the channel layer tells it in milliseconds."""

SEEN_SECONDS = 60
"""``Session.seen`` is written no more often than this."""

MAX_KEPT = 4096
"""Most sessions that a process keeps at hand; the one used longest ago goes first."""


class TooManySessions(Exception):
    """``MAX_SESSIONS`` are open."""


@dataclass(slots=True)
class LiveSession(Connection):
    """A session as the process knows it."""

    id: str = ""
    server: str = ""
    owner: tuple[str, str] = ("", "")
    """User and client that opened it. To anybody else it doesn't exist."""

    stream: str = ""
    """Token of the stream on which it hears of changes: the newest that was opened, on whatever worker."""

    transport: Transport = "streamable-http"
    """Over another transport it doesn't exist either."""

    read: float = field(default_factory=monotonic)

    async def shake_hands(self, connection: Connection) -> None:
        """Take over what a client has said of itself after the session was opened."""
        self.version = connection.version
        self.client_info = short_info(connection.client_info)
        self.client_capabilities = short_capabilities(connection.client_capabilities)
        await on_own_thread(write_handshake, self.id, self)

    async def set_log_level(self, level: LogLevel) -> None:
        """Write the level, and let the other workers read it anew."""
        self.log_level = level
        await on_own_thread(write_level, self.id, level)
        get_hub().publish(("session", self.id))

    async def open_stream(self, token: str) -> None:
        """Write that this stream takes the place of any older one, and let those look."""
        self.stream = token
        await on_own_thread(write_stream, self.id, token)
        get_hub().publish(("session", self.id))

    async def subscribe(self, uri: str) -> None:
        """Write the subscription, and let the session's stream know of it, wherever it is."""
        await self._change(uri, add=True)

    async def unsubscribe(self, uri: str) -> None:
        """Write that it is over."""
        await self._change(uri, add=False)

    async def _change(self, uri: str, *, add: bool) -> None:
        self.subscriptions = await on_own_thread(write_subscription, self.id, uri, add)
        hub = get_hub()
        if (listener := hub.listeners.of_session(self.id)) is not None:
            hub.listeners.resubscribe(listener, self.subscriptions)
        hub.publish(("session", self.id))


def new_session_id() -> str:
    """Return an id that nobody can guess."""
    return secrets.token_urlsafe(32)


async def open_session(server: str, principal: Principal, connection: Connection, **known: Any) -> LiveSession:
    """Keep a client that has just shaken hands.

    Args:
        known: further fields of ``LiveSession``.

    Raises:
        TooManySessions: ``MAX_SESSIONS`` are open, and none of them has been idle for long enough to go.
    """
    _listen()
    session = LiveSession(
        connection.version,
        short_info(connection.client_info),
        short_capabilities(connection.client_capabilities),
        **{"id": new_session_id(), "server": server, "owner": principal.owner, **known},
    )
    await on_own_thread(_insert, session, principal)
    _keep(session)
    return session


async def find_session(
    session_id: str, server: str, principal: Principal, transport: Transport = "streamable-http"
) -> LiveSession | None:
    """Return a session, or ``None`` when there is none of this id for this caller."""
    session = _kept.get(session_id)
    if session is None or monotonic() - session.read > FRESH_SECONDS:
        if len(session_id) > 64:
            return None
        _listen()
        found = await _read_as_it_is_now(session_id)
        if found is None:
            _kept.pop(session_id, None)
            return None
        session = found
        _keep(session)
    else:
        _kept.move_to_end(session_id)
    if session.server != server or session.transport != transport:
        return None
    owner = principal.owner
    if session.owner == NOBODY != owner and transport == "streamable-http":
        await _take_over(session, principal)
    return session if session.owner == owner else None


async def _take_over(session: LiveSession, principal: Principal) -> None:
    """Let the client go on that has signed in meanwhile. What it opened before, such as a stream, ends."""
    await on_own_thread(take_over, session.id, principal)
    found = await _read_as_it_is_now(session.id)
    session.owner = session.owner if found is None else found.owner
    get_hub().publish(("session", session.id))


async def end_session(session: LiveSession) -> None:
    """End a session on every worker."""
    await on_own_thread(_delete, [session.id])
    get_hub().publish(("ended", session.id))


def end_sessions(ids: list[str]) -> None:
    """End sessions from sync code: a command, or the admin."""
    from mcp_django.sessions.publish import publish

    _delete(ids)
    for session_id in ids:
        publish(("ended", session_id))


def expired_sessions() -> Any:
    """Return the sessions that have been idle for longer than ``SESSION_IDLE_SECONDS``."""
    return Session.objects.filter(seen__lt=idle_since())


_kept: OrderedDict[str, LiveSession] = OrderedDict()


def forget_sessions() -> None:
    """Forget what this process knows; the database still has it."""
    _kept.clear()
    _readings.clear()


_readings: dict[object, str] = {}
"""Looks at rows that are under way, and whose; one whose row changes meanwhile is taken out."""


async def _read_as_it_is_now(session_id: str) -> LiveSession | None:
    """Read a row, and again if it changed meanwhile: what was read then must not be kept."""
    while True:
        reading = object()
        _readings[reading] = session_id
        try:
            found = await on_own_thread(_read, session_id)
        finally:
            unchanged = _readings.pop(reading, None) is not None
        if unchanged:
            return found


def _keep(session: LiveSession) -> None:
    _kept[session.id] = session
    _kept.move_to_end(session.id)
    while len(_kept) > MAX_KEPT:
        _kept.popitem(last=False)


_heard: WeakSet[Hub] = WeakSet()  # on which we listen already


def _listen() -> None:
    if (hub := get_hub()) in _heard:
        return
    _heard.add(hub)
    hub.on("session", _drop)
    hub.on("ended", _ended)
    hub.on_lost(forget_sessions)


def _drop(session_id: str) -> None:
    _kept.pop(session_id, None)
    for reading in [reading for reading, whose in _readings.items() if whose == session_id]:
        del _readings[reading]
    if (listener := get_hub().listeners.of_session(session_id)) is not None:
        listener.touch()


def _ended(session_id: str) -> None:
    _drop(session_id)
    if (listener := get_hub().listeners.of_session(session_id)) is not None:
        listener.end()


def _insert(session: LiveSession, principal: Principal) -> None:
    limit = get_settings().MAX_SESSIONS
    if Session.objects.count() >= limit:
        expired_sessions().delete()
        if Session.objects.count() >= limit:
            raise TooManySessions
    Session.objects.create(
        id=session.id,
        server=session.server,
        user_id=None if principal.account is None else principal.account.pk,
        client_id=principal.client_id or "",
        protocol_version=session.version,
        client_info=session.client_info or {},
        capabilities=session.client_capabilities or {},
        transport=session.transport,
        stream=session.stream,
        seen=timezone.now(),
    )
    session_opened.send_robust(
        Session,
        session_id=session.id,
        server=session.server,
        user_id=None if principal.account is None else principal.account.pk,
        client_id=principal.client_id or "",
        transport=session.transport,
    )


def _read(session_id: str) -> LiveSession | None:
    row = Session.objects.filter(pk=session_id).first()
    if row is None:
        return None
    now = timezone.now()
    idle = (now - row.seen).total_seconds()
    if idle > get_settings().SESSION_IDLE_SECONDS:
        row.delete()
        return None
    if idle > SEEN_SECONDS:
        Session.objects.filter(pk=session_id).update(seen=now)
    return LiveSession(
        row.protocol_version,
        row.client_info,
        row.capabilities,
        row.log_level,  # type: ignore[arg-type]
        set(row.subscriptions),
        id=row.pk,
        server=row.server,
        stream=row.stream,
        transport=row.transport,  # type: ignore[arg-type]
        owner=("" if row.user_id is None else str(row.user_id), row.client_id),
    )


def _delete(ids: list[str]) -> None:
    Session.objects.filter(pk__in=ids).delete()
    for session_id in ids:
        session_closed.send_robust(Session, session_id=session_id)
