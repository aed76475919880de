"""What the tests of bad input share: how they ask, and that the worker lives on after each of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp_django import MCPServer
from mcp_django.threads import get_pool
from tests.differential.corpus import Form
from tests.differential.sides import Answer, Posted, ask
from tests.wire import JSON_HEADERS, Call

REVISIONS = ("2025-11-25", "2026-07-28")
"""One of either era."""

SECONDS = 10


async def call_tool(application: Any, revision: str, name: str, arguments: Any = None) -> Answer:
    """Call a tool as a client of this revision does."""
    params = {"name": name, "arguments": {} if arguments is None else arguments}
    return await ask(application, Form(revision).request("tools/call", params))


def start(application: Any, posted: Posted) -> Call:
    """Begin a request; the test says how it goes on."""
    return Call(application, posted.body, headers=[*JSON_HEADERS.items(), *posted.headers])


def unread(call: Call) -> int:
    """Return how many events of a request's body the application has not asked for."""
    return call._incoming.qsize()


def unfinished(application: Any, parts: list[bytes]) -> Call:
    """Begin a request whose body never comes to its end."""
    call = Call(application, headers=JSON_HEADERS, chunks=[])
    for part in parts:
        call._incoming.put_nowait({"type": "http.request", "body": part, "more_body": True})
    return call


@asynccontextmanager
async def living_on(server: MCPServer, application: Any) -> AsyncIterator[None]:
    """Check at the end that good calls are answered, that no thread is at work and that no task was left behind."""

    @server.tool(name="still_alive")
    def still_alive(number: int) -> int:
        return number + 1

    before = _tasks()
    yield
    for revision in REVISIONS:
        answer = await call_tool(application, revision, "still_alive", {"number": 1})
        assert answer.result["structuredContent"] == {"result": 2}
    async with asyncio.timeout(SECONDS):
        while get_pool().busy or _tasks() - before:
            await asyncio.sleep(0.001)  # nothing tells when the last thread is given back


def _tasks() -> set[asyncio.Task[Any]]:
    """Return the tasks of this loop, less those of the test runner."""
    return {
        task
        for task in asyncio.all_tasks()
        if not str(getattr(task.get_coro(), "__qualname__", "")).startswith("TestRunner.")
    }
