"""The event log: what was said on a session's streams, for a client that comes back (2025-11-25, Resumability).

A call whose client has lost its connection goes on, and writes here. The client comes back to any worker, which reads
what it missed, and lets the worker of the call know. That one stops talking to the lost connection, and says of each
new event that it is there; by its answer it also shows that the call still runs.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from django.db import DatabaseError
from django.db.models import QuerySet
from django.utils import timezone

from mcp_django.conf import get_settings
from mcp_django.lanes import on_own_thread
from mcp_django.models import StreamEvent
from mcp_django.sessions.hub import Hub, get_hub

logger = logging.getLogger(__name__)

TRIM_EVERY = 100
"""Events of one stream after which the oldest of its session go."""


class EventLog:
    """The events of one answer, as they are said."""

    def __init__(self, session_id: str, request_id: int | str, *, give_up: Callable[[], None]) -> None:
        """
        Args:
            give_up: ends the call. Called when its client was away for ``EVENT_LOG_SECONDS``, or its session has ended.
        """
        self.session_id, self.request_id = session_id, request_id
        self.stream = secrets.token_urlsafe(12)
        self._hub = get_hub()
        self.left: asyncio.Future[None] = self._hub.loop.create_future()
        """Done when the client has lost the connection on which the call began."""

        self.broken = False
        """Something could not be kept: nobody can read on."""

        self._give_up = give_up
        self._number = 0
        self._timer: asyncio.TimerHandle | None = None
        self._hub.on("resumed", _resumed)
        self._hub.on("ended", _ended)
        _open(self._hub)[self.stream] = self

    @property
    def away(self) -> bool:
        return self.left.done()

    async def begin(self) -> str:
        """Keep that the stream has begun, and return the id to begin it with, or ``""`` when nothing can be kept."""
        return await self._keep(0, _begin, json.dumps(self.request_id))

    async def add(self, message: bytes, *, last: bool = False) -> str:
        """Keep a message, tell whoever reads on elsewhere, and return the event's id, as ``begin`` does."""
        self._number += 1
        event_id = await self._keep(self._number, _add, message.decode(), last)
        if self.away:
            self._tell()
        return event_id

    def leave(self) -> None:
        """Note that the client is away; it has ``EVENT_LOG_SECONDS`` to come back."""
        if not self.away:
            self.left.set_result(None)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._hub.loop.call_later(get_settings().EVENT_LOG_SECONDS, self._give_up)

    def close(self) -> None:
        """Note that the call is over."""
        _open(self._hub).pop(self.stream, None)
        if self._timer is not None:
            self._timer.cancel()

    def resumed(self) -> None:
        """The client reads on through another connection: leave it to that one, and show that the call still runs."""
        self.leave()
        self._tell()

    def ended(self) -> None:
        """The session is over, so that nobody can come back."""
        if self.away:
            self._give_up()

    async def _keep(self, number: int, write: Callable[..., None], *args: Any) -> str:
        if self.broken:
            return ""
        try:
            await on_own_thread(write, self.session_id, self.stream, number, *args)
        except DatabaseError as error:  # the session has ended, for one
            self.broken = True
            logger.warning("A stream can't be resumed: what was said on it could not be kept (%s).", error)
            return ""
        return f"{self.stream}.{number}"

    def _tell(self) -> None:
        self._hub.publish(("logged", self.stream))


class Reader:
    """A client that reads on in a stream. ``with`` it: it hears from the call while inside."""

    def __init__(self, stream: str, wake: Callable[[], None]) -> None:
        self.stream, self._wake = stream, wake
        self._hub = get_hub()
        self.heard = self._hub.loop.time()
        """When the call last showed that it still runs, on the loop's clock."""

    def __enter__(self) -> Reader:
        self._hub.on("logged", _logged)
        _readers(self._hub).setdefault(self.stream, set()).add(self)
        return self

    def __exit__(self, *exc_info: object) -> None:
        readers = _readers(self._hub)
        readers[self.stream].discard(self)
        if not readers[self.stream]:
            del readers[self.stream]

    def ask(self) -> None:
        """Let the call's worker know, whichever it is, that somebody reads on."""
        self._hub.publish(("resumed", self.stream))

    def hear(self) -> None:
        """Note that the call still runs."""
        self.heard = self._hub.loop.time()
        self._wake()


class Logged(NamedTuple):
    """One event as it was kept."""

    number: int
    message: str
    last: bool


async def find_request(session_id: str, stream: str) -> Any:
    """Return the id of the request that a stream answers; ``None`` when this session has no such stream any more."""
    return await on_own_thread(_find_request, session_id, stream)


async def read_after(session_id: str, stream: str, number: int) -> list[Logged]:
    """Return the events of a stream that come after one of them, in their order; not all of them at once."""
    return await on_own_thread(_read_after, session_id, stream, number)


def expired_events() -> QuerySet[StreamEvent]:
    """Return the messages that are older than ``EVENT_LOG_SECONDS``; beginnings stay as long as their session."""
    limit = timezone.now() - timedelta(seconds=get_settings().EVENT_LOG_SECONDS)
    return StreamEvent.objects.filter(created__lt=limit).exclude(number=0)


_logs_by_hub: WeakKeyDictionary[Hub, dict[str, EventLog]] = WeakKeyDictionary()
_readers_by_hub: WeakKeyDictionary[Hub, dict[str, set[Reader]]] = WeakKeyDictionary()


def _open(hub: Hub) -> dict[str, EventLog]:
    return _logs_by_hub.setdefault(hub, {})


def _readers(hub: Hub) -> dict[str, set[Reader]]:
    return _readers_by_hub.setdefault(hub, {})


def _resumed(stream: str) -> None:
    if (log := _open(get_hub()).get(stream)) is not None:
        log.resumed()


def _ended(session_id: str) -> None:
    for log in list(_open(get_hub()).values()):
        if log.session_id == session_id:
            log.ended()


def _logged(stream: str) -> None:
    for reader in _readers(get_hub()).get(stream, ()):
        reader.hear()


MAX_READ = 100
"""Most events that are read at once."""


def _begin(session_id: str, stream: str, number: int, request_id: str) -> None:
    expired_events().delete()
    StreamEvent.objects.create(session_id=session_id, stream=stream, number=number, message=request_id)
    _trim(session_id)


def _add(session_id: str, stream: str, number: int, message: str, last: bool) -> None:  # noqa: FBT001
    StreamEvent.objects.create(session_id=session_id, stream=stream, number=number, message=message, last=last)
    if number % TRIM_EVERY == 0:
        _trim(session_id)


def _trim(session_id: str) -> None:
    """Let the oldest go, beginnings and messages each by themselves: a long stream must not lose its beginning."""
    most = get_settings().EVENT_LOG_MAX_EVENTS
    events = StreamEvent.objects.filter(session=session_id)
    for kind in (events.filter(number=0), events.exclude(number=0)):
        oldest = kind.order_by("-pk").values_list("pk", flat=True)[most : most + 1].first()
        if oldest is not None:
            kind.filter(pk__lte=oldest).delete()


def _find_request(session_id: str, stream: str) -> Any:
    beginning = StreamEvent.objects.filter(session=session_id, stream=stream, number=0).first()
    return None if beginning is None else json.loads(beginning.message)


def _read_after(session_id: str, stream: str, number: int) -> list[Logged]:
    events = StreamEvent.objects.filter(session=session_id, stream=stream, number__gt=number).order_by("number")
    return [Logged(*row) for row in events.values_list("number", "message", "last")[:MAX_READ]]
