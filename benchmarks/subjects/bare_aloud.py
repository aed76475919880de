"""The floor of an answer that is an event stream: the bare application, which says one thing before its answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic_core import from_json

from benchmarks.subjects.bare import BODY

SAID = b'{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"adding"}}'
FRAME = b"event: message\r\ndata: %b\r\n\r\n"
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"text/event-stream"),
        (b"cache-control", b"no-cache, no-transform"),
        (b"x-accel-buffering", b"no"),
    ],
}


async def application(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Answer every POST alike, with the frames and in the sends that ours needs."""
    body, more = b"", True
    while more:
        event = await receive()
        body += event.get("body", b"")
        more = event.get("more_body", False)
    if from_json(body)["jsonrpc"] == "2.0":
        await send(START)
        await send({"type": "http.response.body", "body": FRAME % SAID, "more_body": True})
        await send({"type": "http.response.body", "body": FRAME % BODY})
