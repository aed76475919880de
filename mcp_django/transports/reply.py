"""The answer to one HTTP request: one JSON body, or, once the function speaks before it is done, an event stream."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from mcp_django.engine.encoding import encode
from mcp_django.engine.exchange import NoWay

Send = Callable[[dict[str, Any]], Awaitable[None]]

_STREAM_HEADERS = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
)


class Reply:
    """What goes back, in order. Used by the call's task and, for comments, by the one that watches it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._writing = asyncio.Lock()
        self._streaming = False
        self._ended = False

    @property
    def streaming(self) -> bool:
        return self._streaming

    async def notify(self, method: str, params: dict[str, Any]) -> None:
        """Send a notification on the request's own stream."""
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        await self._write(_event(encode(message)))

    async def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Refuse: without a session, an answer would find no way back. Raises ``NoWay``."""
        raise NoWay

    async def request(self, request_id: str, method: str, params: dict[str, Any]) -> None:
        """Send a request of the server's on the request's own stream."""
        await self._write(_event(encode({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params})))

    async def open(self) -> None:
        """Begin the stream at once: daphne holds the headers back until there is something to send."""
        await self._write(b": open\r\n\r\n")

    async def event(self, name: bytes, data: bytes) -> None:
        """Send an event of the HTTP+SSE transport; ``data`` is one line."""
        await self._write(b"event: " + name + b"\r\ndata: " + data + b"\r\n\r\n")

    async def close(self) -> None:
        """End without a response: the stream as it is, or an empty one."""
        async with self._writing:
            if self._ended:
                return
            self._ended = True
            if not self._streaming:
                await self._begin()
            await self._send({"type": "http.response.body", "body": b""})

    async def keep_alive(self) -> None:
        """Send a comment, so that no proxy takes the silence for the end."""
        await self._write(b": keep-alive\r\n\r\n")

    async def finish(self, body: bytes, status: int, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        """Send the response, in the form that has been begun. An empty body has no content type."""
        async with self._writing:
            if self._ended:
                return
            self._ended = True
            if self._streaming:
                await self._send({"type": "http.response.body", "body": _event(body) if body else b""})
                return
            kind = ((b"content-type", b"application/json"),) if body else ()
            length = (b"content-length", str(len(body)).encode("ascii"))
            await self._send({"type": "http.response.start", "status": status, "headers": [*kind, length, *headers]})
            await self._send({"type": "http.response.body", "body": body})

    async def _write(self, frame: bytes) -> None:
        async with self._writing:
            if self._ended:
                return  # a task that the call left behind still talks
            if not self._streaming:
                await self._begin()
            await self._send({"type": "http.response.body", "body": frame, "more_body": True})

    async def _begin(self) -> None:
        """Send the headers of a stream, all of them even if the writer is cancelled meanwhile."""
        self._streaming = True
        start = {"type": "http.response.start", "status": 200, "headers": list(_STREAM_HEADERS)}
        beginning = asyncio.ensure_future(self._send(start))
        try:
            await asyncio.shield(beginning)
        except asyncio.CancelledError:
            await beginning
            raise


def _event(message: bytes) -> bytes:
    """Frame one message: one ``data:`` line, since the JSON is one line."""
    return b"event: message\r\ndata: " + message + b"\r\n\r\n"
