"""The floor: an ASGI application that reads the body, parses it and answers bytes made beforehand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic_core import from_json, to_json

from benchmarks.subjects.frozen import freeze

BODY = to_json(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "result": {"content": [{"type": "text", "text": "5"}], "structuredContent": {"result": 5}, "isError": False},
    }
)
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())],
}


Application = Callable[
    [dict[str, Any], Callable[[], Awaitable[dict[str, Any]]], Callable[[Any], Awaitable[None]]], Awaitable[None]
]


def answering(*events: Mapping[str, Any]) -> Application:
    """Return an application that answers every POST alike, with these events of ASGI's."""

    async def application(
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        body, more = b"", True
        while more:
            event = await receive()
            body += event.get("body", b"")
            more = event.get("more_body", False)
        if from_json(body)["jsonrpc"] == "2.0":
            for answer in events:
                await send(answer)

    return application


application = answering(START, {"type": "http.response.body", "body": BODY})

freeze()
