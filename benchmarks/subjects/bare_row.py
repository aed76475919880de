"""The floor of a tool that reads a row: a bare application that reads it with the ORM's async method, and no more.

``shared`` does so on the thread that asgiref keeps for all sync code, one query after another. ``apart`` does so as
Django's own ASGI handler, with a thread, and so a connection, that no other request has.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import django
from asgiref.sync import ThreadSensitiveContext
from pydantic_core import from_json, to_json

from benchmarks.subjects.frozen import freeze

django.setup()

from benchmarks.subjects.functions import city_async  # noqa: E402


async def shared(
    scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Callable[[Any], Awaitable[None]]
) -> None:
    """Answer what a tool that reads a row would answer."""
    message = from_json((await receive())["body"])  # small enough to come whole
    row = await city_async(**message["params"]["arguments"])
    text = {"type": "text", "text": to_json(row, indent=2).decode()}
    result = {"content": [text], "structuredContent": row, "isError": False}
    body = to_json({"jsonrpc": "2.0", "id": message["id"], "result": result})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def apart(
    scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Callable[[Any], Awaitable[None]]
) -> None:
    """Answer the same."""
    async with ThreadSensitiveContext():
        await shared(scope, receive, send)


freeze()
