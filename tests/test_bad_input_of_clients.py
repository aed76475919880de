"""Functions that never return and clients that leave: the call ends, and the worker lives on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mcp_django import Context, MCPServer
from tests.bad_input import REVISIONS, SECONDS, call_tool, living_on, start
from tests.differential.corpus import Form

pytestmark = pytest.mark.anyio


@pytest.fixture(params=REVISIONS)
def form(request: pytest.FixtureRequest) -> Form:
    return Form(request.param)


@pytest.fixture(autouse=True)
async def _the_worker_lives_on(server: MCPServer, application: Any) -> AsyncIterator[None]:
    async with living_on(server, application):
        yield


async def test_an_async_tool_that_never_returns_is_cancelled(server: MCPServer, application: Any, form: Form) -> None:
    cancelled = asyncio.Event()

    @server.tool(timeout=0.05)
    async def wait() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return "never"

    answer = await call_tool(application, form.revision, "wait")
    assert answer.result["isError"]
    assert "0.05 seconds" in answer.last["result"]["content"][0]["text"]
    assert cancelled.is_set()


async def test_a_sync_tool_that_never_returns_is_told(server: MCPServer, application: Any, form: Form) -> None:
    told = threading.Event()

    @server.tool(timeout=0.05)
    def wait(ctx: Context) -> str:
        _until_cancelled(ctx, told)
        return "too late"

    answer = await call_tool(application, form.revision, "wait")
    assert answer.result["isError"]
    assert "0.05 seconds" in answer.last["result"]["content"][0]["text"]
    assert await asyncio.to_thread(told.wait, SECONDS)


async def test_a_client_that_leaves_cancels_an_async_tool(server: MCPServer, application: Any, form: Form) -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    @server.tool
    async def wait() -> str:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return "never"

    call = start(application, form.request("tools/call", {"name": "wait", "arguments": {}}))
    async with asyncio.timeout(SECONDS):
        await started.wait()
        call.disconnect()
        await cancelled.wait()
    assert (await call.finished()).body == b""


async def test_a_client_that_leaves_is_seen_by_a_sync_tool(server: MCPServer, application: Any, form: Form) -> None:
    started, told = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    @server.tool
    def wait(ctx: Context) -> str:
        loop.call_soon_threadsafe(started.set)
        _until_cancelled(ctx, told)
        return "too late"

    call = start(application, form.request("tools/call", {"name": "wait", "arguments": {}}))
    async with asyncio.timeout(SECONDS):
        await started.wait()
    call.disconnect()
    assert await asyncio.to_thread(told.wait, SECONDS)
    assert (await call.finished()).body == b""


async def test_a_client_that_leaves_in_mid_stream_gets_no_more(server: MCPServer, application: Any, form: Form) -> None:
    cancelled = asyncio.Event()

    @server.tool
    async def report(ctx: Context) -> str:
        try:
            await ctx.report_progress(1)
            await asyncio.Event().wait()
        finally:
            await ctx.report_progress(2)
            cancelled.set()
        return "never"

    posted = form.request("tools/call", {"name": "report", "arguments": {}}, meta={"progressToken": "t"})
    call = start(application, posted)
    async with asyncio.timeout(SECONDS):
        while not call.response.events:
            await call.sent.get()
        call.disconnect()
        await cancelled.wait()
    response = await call.finished()
    assert [event["params"]["progress"] for event in response.events] == [1]


async def test_a_client_that_has_left_already_costs_one_call(server: MCPServer, application: Any, form: Form) -> None:
    @server.tool
    async def quick() -> str:
        return "quick"

    call = start(application, form.request("tools/call", {"name": "quick", "arguments": {}}))
    call.disconnect()
    await call.finished()


def _until_cancelled(ctx: Context, told: threading.Event) -> None:
    """Work until nobody waits any more, as long sync code should."""
    pause = threading.Event()
    while not ctx.cancelled:
        pause.wait(0.001)
    told.set()
