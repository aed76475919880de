"""What the benchmark of streams asks of every application beside the endpoint: tell an event, and count your tasks."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from typing import Any

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


async def answer(send: Send, body: bytes) -> None:
    """Answer with a short body."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


def with_controls(application: Application, publish: Callable[[], Awaitable[None]]) -> Application:
    """Add ``/publish``, which tells every stream that the list of tools changed, and ``/tasks``, which counts tasks.

    All garbage is gone then, so that the memory may be read as well.
    """

    async def controlled(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        path = scope.get("path")
        if path == "/publish":
            await publish()
            await answer(send, b"published")
        elif path == "/tasks":
            gc.collect()  # what nobody holds is not held
            await answer(send, str(len(asyncio.all_tasks())).encode())
        else:
            await application(scope, receive, send)

    return controlled
