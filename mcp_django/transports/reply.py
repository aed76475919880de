"""The answer to one HTTP request: one JSON body, or, once the function speaks before it is done, an event stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from mcp_django.engine.encoding import encode
from mcp_django.engine.exchange import NoWay
from mcp_django.sessions.log import EventLog
from mcp_django.transports.slow_readers import PatientSend, Send, patient

RETRY_SECONDS = 1
"""A client that lost its connection is asked to come back after this long."""

_JSON = (b"content-type", b"application/json")
_STREAM_HEADERS = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
)


class Reply:
    """What goes back, in order. Used by the call's task and, for comments, by the one that watches it.

    Args:
        headers: of whatever goes back, beside those of its form.
    """

    __slots__ = ("_dropped", "_ended", "_headers", "_log", "_primed", "_retry", "_send", "_streaming", "_writing")

    def __init__(self, send: Send, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        self._send, self._headers = send, headers
        self._writing: asyncio.Lock | None = None
        self._streaming = False
        self._ended = False
        self._retry: float = RETRY_SECONDS
        self._log: EventLog | None = None
        self._primed = False
        self._dropped = False

    @property
    def streaming(self) -> bool:
        return self._streaming

    @property
    def resumable(self) -> bool:
        """Whether a client that loses the connection now can have the rest through another.

        Also while the last of it is just being kept: it is over once the call's task is.
        """
        return self._log is not None and not self._log.broken and self._streaming

    @property
    def _away(self) -> bool:
        return self._log is not None and self._log.away

    def keep(self, log: EventLog, *, primed: bool) -> None:
        """Keep what is said on the stream, once there is one.

        Args:
            primed: whether it begins with an event that says nothing but its id, as clients know it since 2025-11-25.
        """
        self._log, self._primed = log, primed

    def on_departure(self, departed: Callable[[], None] | None) -> bool:
        """Call back when the client leaves, if the server can tell of its own accord; says whether it will."""
        return isinstance(self._send, PatientSend) and self._send.on_departure(departed)

    async def notify(self, method: str, params: dict[str, Any]) -> None:
        """Send a notification on the request's own stream."""
        await self._say(encode({"jsonrpc": "2.0", "method": method, "params": params}))

    async def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Refuse: without a session, an answer would find no way back. Raises ``NoWay``."""
        raise NoWay

    async def request(self, request_id: str, method: str, params: dict[str, Any]) -> None:
        """Send a request of the server's on the request's own stream."""
        await self._say(encode({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}))

    async def hang_up(self, retry_seconds: float) -> None:
        """Let a client that can come back for the rest do so, after ``retry_seconds``; any other stays."""
        async with self._turn():
            if self._log is None or self._log.broken or not self._primed or self._ended or self._away:
                return
            if self._streaming:
                await self._put(_retry(retry_seconds) + b"\r\n")
            else:
                self._retry = retry_seconds
                await self._begin()
            await self._put(b"", more=False)
            self._log.leave()

    async def drop(self) -> None:
        """End a connection whose client reads on through another one."""
        if self._away and not self._dropped:
            self._dropped = True
            await self._send({"type": "http.response.body", "body": b""})  # not in line: the call must not wait for it

    async def open(self, event_id: str = "") -> None:
        """Begin the stream at once: daphne holds the headers back until there is something to send.

        Args:
            event_id: what the client is to name when it comes back.
        """
        await self._write(_prime(event_id, RETRY_SECONDS) if event_id else b": open\r\n\r\n")

    async def event(self, name: bytes, data: bytes) -> None:
        """Send an event of the HTTP+SSE transport; ``data`` is one line."""
        await self._write(b"event: " + name + b"\r\ndata: " + data + b"\r\n\r\n")

    async def close(self) -> None:
        """End without a response: the stream as it is, or an empty one."""
        async with self._turn():
            if self._ended:
                return
            self._ended = True
            if not self._streaming:
                await self._begin()
            await self._put(b"", more=False)

    async def keep_alive(self) -> None:
        """Send a comment, so that no proxy takes the silence for the end."""
        await self._write(b": keep-alive\r\n\r\n")

    async def finish(self, body: bytes, status: int, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        """Send the response, in the form that has been begun. An empty body has no content type."""
        if self._writing is not None:  # somebody has said something, or wants to
            async with self._turn():
                if self._streaming and not self._ended:
                    self._ended = True
                    await self._put(await self._frame(body, last=True) if body else b"", more=False)
        if self._ended:
            return
        self._ended = True
        lines = [_JSON, (b"content-length", b"%d" % len(body)), *headers, *self._headers]
        await self._send({"type": "http.response.start", "status": status, "headers": lines if body else lines[1:]})
        await self._send({"type": "http.response.body", "body": body})

    async def replay(self, event_id: str, message: bytes) -> None:
        """Send an event as it was kept."""
        await self._write(_event(message, event_id))

    def _turn(self) -> asyncio.Lock:
        """Return what lets one writer write at a time. Most replies never have two."""
        if self._writing is None:
            self._writing = asyncio.Lock()
        return self._writing

    async def _say(self, message: bytes) -> None:
        async with self._turn():
            if self._ended:
                return  # a task that the call left behind still talks
            if not self._streaming:
                await self._begin()
            await self._put(await self._frame(message))

    async def _write(self, frame: bytes) -> None:
        async with self._turn():
            if self._ended:
                return
            if not self._streaming:
                await self._begin()
            await self._put(frame)

    async def _frame(self, message: bytes, *, last: bool = False) -> bytes:
        """Frame a message, and keep it if need be."""
        if self._log is None:
            return _event(message)
        return _event(message, await self._log.add(message, last=last))

    async def _put(self, frame: bytes, *, more: bool = True) -> None:
        if not self._away:
            self._dropped = not more
            event: dict[str, Any] = {"type": "http.response.body", "body": frame}
            if more:
                event["more_body"] = True
            await (self._send(event) if self._log is None else self._send_unless_left(event, self._log))

    async def _send_unless_left(self, event: dict[str, Any], log: EventLog) -> None:
        """Send, until the client reads on elsewhere: the connection that it left may never take anything again."""
        sending = asyncio.ensure_future(self._send(event))
        try:
            await asyncio.wait([sending, log.left], return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            sending.cancel()

    async def _begin(self) -> None:
        """Send the headers of a stream, all of them even if the writer is cancelled meanwhile."""
        self._streaming = True
        self._send = patient(self._send)
        if self._log is None and isinstance(self._send, PatientSend):  # daphne takes headers without waiting
            await self._send_beginning()
            return
        beginning = asyncio.ensure_future(self._send_beginning())
        try:
            await asyncio.shield(beginning)
        except asyncio.CancelledError:
            await beginning
            raise

    async def _send_beginning(self) -> None:
        event_id = await self._log.begin() if self._log is not None else ""
        await self._send({"type": "http.response.start", "status": 200, "headers": [*_STREAM_HEADERS, *self._headers]})
        if event_id and self._primed:
            await self._put(_prime(event_id, self._retry))


def _event(message: bytes, event_id: str = "") -> bytes:
    """Frame one message: one ``data:`` line, since the JSON is one line."""
    named = b"id: " + event_id.encode("ascii") + b"\r\n" if event_id else b""
    return b"event: message\r\n" + named + b"data: " + message + b"\r\n\r\n"


def _prime(event_id: str, retry_seconds: float) -> bytes:
    """Make the event that says nothing but its id."""
    return _retry(retry_seconds) + b"id: " + event_id.encode("ascii") + b"\r\ndata: \r\n\r\n"


def _retry(seconds: float) -> bytes:
    return b"retry: %d\r\n" % round(seconds * 1000)
