"""Server-sent events (HTML Standard, §9.2): an async generator that a browser's ``EventSource`` reads."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, suppress
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from mcp_django.auth.credentials import seconds_left
from mcp_django.conf import get_settings
from mcp_django.routes.problems import Problem
from mcp_django.transports.stopping import at_stop

logger = logging.getLogger("mcp_django.routes")

MAX_ID = 256
"""Most characters of a ``Last-Event-ID``."""

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",  # nginx would collect the events
}

_LINE_END = re.compile(r"\r\n|\r|\n")
_ONE_LINE = re.compile(r"[^\r\n\0]*")

KEEP_ALIVE = b":\n\n"
"""A comment, so that proxies keep the connection, and a client that is gone is noticed. Sent at once at the beginning:
daphne holds the headers back until something follows them.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSentEvent:
    """One event."""

    data: Any
    """A text, which may have several lines; anything else is sent as JSON."""

    event: str = ""
    """Its type. Empty: ``"message"``."""

    id: str = ""
    """What a client that lost the connection sends as ``Last-Event-ID``."""

    retry: float | None = None
    """After how many seconds a client that lost the connection comes back."""

    def encode(self) -> bytes:
        """Return the event as it is sent. Whatever is in it, it remains one event.

        Raises:
            ValueError: its type or id is more than one line, or has a U+0000.
            TypeError: JSON knows no such thing.
        """
        lines = []
        for name, value in (("event", self.event), ("id", self.id)):
            if not _ONE_LINE.fullmatch(value):
                raise ValueError(f"The {name} of a server-sent event must be one line, not {value!r}.")
            if value:
                lines.append(f"{name}: {value}")
        if self.retry is not None:
            lines.append(f"retry: {int(self.retry * 1000)}")
        text = self.data if isinstance(self.data, str) else json.dumps(self.data, cls=DjangoJSONEncoder)
        lines += [f"data: {line}" for line in _LINE_END.split(text)]
        return "\n".join([*lines, "", ""]).encode()


def event_stream(
    request: HttpRequest, events: AsyncIterator[Any], *, keep_alive: float | None = None
) -> HttpResponseBase:
    """Answer with a stream of events, to be returned by a view, sync or async.

    When the client leaves, the server stops, the token of the caller expires, or ``STREAM_SECONDS`` are over, the
    generator is cancelled where it waits, and its ``finally`` runs. It is only asked for the next event when the client
    has taken those before. Under WSGI, which would collect all of it, the answer is 501; where ``MAX_STREAMS`` are open
    already, 503. What the generator raises is logged, and ends the stream.

    Args:
        events: an async generator of ``ServerSentEvent``, texts, or what becomes JSON. It knows who calls, as the view
            did (``get_access_token``).
        keep_alive: after how many seconds without an event a comment is sent. ``None``: ``KEEP_ALIVE_SECONDS``.
    """
    if not hasattr(request, "scope"):
        return Problem(501, "Event streams need a server that speaks ASGI.").response(request)
    if request.method == "HEAD":
        return HttpResponse(headers=HEADERS)
    limits = get_settings()
    if len(_open) >= limits.MAX_STREAMS:
        text = f"{limits.MAX_STREAMS} streams are open: try again later."
        return Problem(503, text, headers={"Retry-After": "60"}).response(request)
    principal = getattr(request, "principal", None)
    seconds = limits.STREAM_SECONDS if principal is None else seconds_left(principal, limits.STREAM_SECONDS)
    stream = _EventStream(events, limits.KEEP_ALIVE_SECONDS if keep_alive is None else keep_alive, seconds)
    return StreamingHttpResponse(stream, headers=HEADERS)


def last_event_id(request: HttpRequest) -> str:
    """Return the id of the last event that the client has seen; empty: it is new here, or what it sent is no id."""
    given = request.headers.get("Last-Event-ID", "").encode("latin-1", "replace").decode("utf-8", "replace")
    return given if len(given) <= MAX_ID and given.isprintable() else ""


class _EventStream:
    """Runs a generator in a task of its own, in the context of the view, and hands over one event at a time."""

    def __init__(self, events: Any, keep_alive: float, seconds: float) -> None:
        self._events, self._keep_alive, self._seconds = events, keep_alive, seconds
        self._context = copy_context()
        self._given: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=1)
        self._task: asyncio.Task[None] | None = None
        _open.add(self)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._produce(), context=self._context)
        self._timer = self._loop.call_later(self._seconds, self._stop)
        at_stop.add(self._stop)
        try:
            yield KEEP_ALIVE
            while not (self._task.done() and self._given.empty()):
                if (part := await self._next()) is not None:
                    yield part
        finally:
            self._end()
            await asyncio.wait([self._task])

    def close(self) -> None:
        """End all of it. Django calls it when the response is over, on any thread: it may never go on iterating."""
        _open.discard(self)
        if self._task is not None:
            with suppress(RuntimeError):  # the loop is closed, and the task with it
                self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        _open.discard(self)
        at_stop.discard(self._stop)
        self._timer.cancel()
        self._stop()

    async def _next(self) -> bytes | None:
        """Wait for what comes next; ``None``: nothing."""
        try:
            async with asyncio.timeout(self._keep_alive):
                return await self._given.get()
        except TimeoutError:
            return KEEP_ALIVE

    async def _produce(self) -> None:
        try:
            async with AsyncExitStack() as stack:
                if hasattr(self._events, "aclose"):
                    await stack.enter_async_context(aclosing(self._events))
                async for event in self._events:
                    known = event if isinstance(event, ServerSentEvent) else ServerSentEvent(data=event)
                    await self._given.put(known.encode())
        except Exception:  # the status has been sent: all that can be done is to end
            logger.exception("A generator of server-sent events failed.")
        finally:
            with suppress(asyncio.QueueFull):  # then there is something to wake up for
                self._given.put_nowait(None)

    def _stop(self) -> None:
        """Cancel the generator. What it gave before is sent."""
        if self._task is not None:
            self._task.cancel()


_open: WeakSet[_EventStream] = WeakSet()
"""The streams of this process. A response that is never sent doesn't count for long."""
