"""One request to Django's ASGI application, as a server would make it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from django.core.asgi import get_asgi_application

SECONDS = 5
"""How long a message may take."""


class Exchange:
    """What the application sends; the client takes it message by message, and can leave."""

    def __init__(self, path: str, headers: dict[str, str], method: str = "GET") -> None:
        self.scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [(b"host", b"testserver"), *((k.encode(), v.encode()) for k, v in headers.items())],
        }
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue(maxsize=1)
        self._left = asyncio.Event()
        self._asked = False

    async def receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b""}
        await self._left.wait()
        return {"type": "http.disconnect"}

    def leave(self) -> None:
        """Close the connection."""
        self._left.set()

    async def message(self) -> dict[str, Any]:
        """Return the next message."""
        async with asyncio.timeout(SECONDS):
            return await self.sent.get()

    async def body(self) -> bytes:
        """Return the next part of the body; at the end, nothing."""
        part: bytes = (await self.message()).get("body", b"")
        return part


@asynccontextmanager
async def visit(path: str, **headers: str) -> AsyncIterator[Exchange]:
    """Send a request to the project's URLconf, and enter when its response begins; leave at the end."""
    exchange = Exchange(path, headers)
    application: Any = get_asgi_application()
    task = asyncio.create_task(application(exchange.scope, exchange.receive, exchange.sent.put))
    try:
        yield exchange
        exchange.leave()
        async with asyncio.timeout(SECONDS):
            while not task.done():
                drain = asyncio.create_task(exchange.sent.get())
                await asyncio.wait({task, drain}, return_when=asyncio.FIRST_COMPLETED)
                drain.cancel()
        await task
    finally:
        task.cancel()
