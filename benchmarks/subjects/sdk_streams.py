"""The SDK's own HTTP app with sessions, told from outside when an event happens.

It needs ASGI's lifespan, which daphne doesn't speak, so its own is begun by the first request, on either server. It has
no way to tell all sessions something, so each of them calls a tool once, which keeps it.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

import django
from mcp.server.mcpserver import Context
from mcp.server.subscriptions import InMemorySubscriptionBus, ToolsListChanged

from benchmarks.subjects.controls import Receive, Send, with_controls
from benchmarks.subjects.frozen import freeze

django.setup()

from benchmarks.subjects.sdk import make_server  # noqa: E402  (its functions need a model)

_bus = InMemorySubscriptionBus()
_server = make_server(subscriptions=_bus)
_sessions: list[Any] = []
# A stream can't be the answer to a POST when answers are JSON; those of sessions are GETs.
_app = _server.streamable_http_app(json_response=os.environ.get("BENCHMARKS_SDK_JSON") == "1")


@_server.tool()
async def remember(ctx: Context) -> int:
    """Keep the session, to tell it something later."""
    _sessions.append(ctx.session)
    return len(_sessions)


class _Running:
    """The app's lifespan, entered once."""

    def __init__(self) -> None:
        self._ready: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None

    async def wait(self) -> None:
        if self._ready is None:
            self._ready = asyncio.Event()
            self._task = asyncio.create_task(self._run(self._ready))
        await self._ready.wait()

    async def _run(self, ready: asyncio.Event) -> None:
        async with _app.router.lifespan_context(_app):
            ready.set()
            await asyncio.Event().wait()


_running = _Running()


async def _endpoint(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        raise ValueError("HTTP only")  # for the server, the ordinary way to say so
    await _running.wait()
    await _app(scope, receive, send)


async def _publish() -> None:
    await _bus.publish(ToolsListChanged())
    for session in _sessions:
        await session.send_tool_list_changed()


application = with_controls(_endpoint, _publish)

freeze()
