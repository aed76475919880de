"""The floor of event streams: a queue for each, and bytes that were made beforehand."""

from __future__ import annotations

import asyncio
from typing import Any

from benchmarks.subjects.controls import Receive, Send, with_controls
from benchmarks.subjects.frozen import freeze

EVENT = b'event: message\r\ndata: {"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{}}\r\n\r\n'
START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]}

_queues: set[asyncio.Queue[bytes]] = set()


async def _stream(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer every request with a stream. It is never told that the client has left: the process ends before."""
    if scope["type"] != "http":
        raise ValueError("HTTP only")  # for the server, the ordinary way to say so
    queue: asyncio.Queue[bytes] = asyncio.Queue()
    _queues.add(queue)
    await send(START)
    await send({"type": "http.response.body", "body": b": open\r\n\r\n", "more_body": True})
    while True:
        await send({"type": "http.response.body", "body": await queue.get(), "more_body": True})


async def _publish() -> None:
    for queue in _queues:
        queue.put_nowait(EVENT)


application = with_controls(_stream, _publish)

freeze()
