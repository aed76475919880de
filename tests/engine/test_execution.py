from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from functools import partial, wraps
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.test import override_settings
from pydantic import BaseModel

from mcp_django import Context, MCPServer, Progress, ToolError
from mcp_django.engine.dispatcher import answer
from mcp_django.engine.exchange import Exchange, NoWay
from mcp_django.engine.execution import flavour_of
from mcp_django.engine.server import get_engine
from tests.conftest import Connect
from tests.wire import JSON_HEADERS, Call, modern_request

pytestmark = pytest.mark.anyio


class Person(BaseModel):
    username: str


async def text_of(connect: Connect, tool: str, arguments: dict[str, Any] | None = None) -> str:
    async with connect("auto") as client:
        result = await client.call_tool(tool, arguments or {})
    return str(result.content[0].text)  # type: ignore[union-attr]


async def test_an_async_tool_runs_on_the_loop(server: MCPServer, connect: Connect) -> None:
    @server.tool
    async def where() -> bool:
        return threading.current_thread() is threading.main_thread() and asyncio.current_task() is not None

    assert await text_of(connect, "where") == "true"


async def test_a_sync_tool_runs_beside_the_loop(server: MCPServer, connect: Connect) -> None:
    @server.tool
    def where() -> str:
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        return threading.current_thread().name

    assert (await text_of(connect, "where")).startswith("mcp_django-")


async def test_a_callable_object_a_partial_and_a_decorated_function_are_tools(
    server: MCPServer, connect: Connect
) -> None:
    class Greeter:
        async def __call__(self, name: str) -> str:
            return f"object {name}"

    def greet(greeting: str, name: str) -> str:
        return f"{greeting} {name}"

    def sync_decorator(fn: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(fn)
        def inner(*args: Any, **kwargs: Any) -> Any:
            return fn(*args, **kwargs)

        return inner

    async def later(name: str) -> str:
        return f"later {name}"

    server.add_tool(Greeter(), "object")
    server.add_tool(partial(greet, "partial"), "partial")
    server.add_tool(sync_decorator(later), "decorated")
    for name in ("object", "partial"):
        assert await text_of(connect, name, {"name": "Ada"}) == f"{name} Ada"
    assert await text_of(connect, "decorated", {"name": "Ada"}) == "later Ada"


def test_a_flavour_is_told_from_the_function() -> None:
    async def coroutine() -> None: ...

    async def async_generator() -> AsyncIterator[int]:
        yield 1

    def generator() -> Iterator[int]:
        yield 1

    assert flavour_of(coroutine) == "async"
    assert flavour_of(async_generator) == "async generator"
    assert flavour_of(generator) == "generator"
    assert flavour_of(len) == "sync"


async def test_a_generator_streams_progress_and_its_last_value_is_the_result(
    server: MCPServer, connect: Connect, era: str
) -> None:
    @server.tool
    def steps() -> Iterator[Progress | str]:
        yield Progress(1, 2, "half")
        yield Progress(2, 2)
        yield "done"

    @server.tool
    async def async_steps() -> AsyncIterator[Progress | str]:
        yield Progress(1, 2, "half")
        yield Progress(2, 2)
        yield "done"

    @server.tool
    def returning() -> Any:
        yield Progress(1, 2, "half")
        yield Progress(2, 2)
        return "done"

    for tool in ("steps", "async_steps", "returning"):
        heard: list[tuple[float, float | None, str | None]] = []

        async def hear(progress: float, total: float | None, message: str | None, heard: list[Any] = heard) -> None:
            heard.append((progress, total, message))

        async with connect(era) as client:
            result = await client.call_tool(tool, {}, progress_callback=hear)
        assert result.content[0].text == "done"  # type: ignore[union-attr]
        assert heard == [(1, 2, "half"), (2, 2, None)]


async def test_a_tool_that_takes_too_long_is_cancelled_and_says_so(server: MCPServer, connect: Connect) -> None:
    ended = asyncio.Event()

    @server.tool(timeout=0.05)
    async def slow() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()

    assert await text_of(connect, "slow") == "Tool 'slow' took longer than 0.05 seconds."
    assert ended.is_set()


async def test_a_sync_tool_that_takes_too_long_sees_that_it_is_cancelled(server: MCPServer, connect: Connect) -> None:
    ended = threading.Event()

    @server.tool(timeout=0.05)
    def slow(ctx: Context) -> None:
        while not ctx.cancelled:
            threading.Event().wait(0.001)
        ended.set()

    assert await text_of(connect, "slow") == "Tool 'slow' took longer than 0.05 seconds."
    assert await asyncio.to_thread(ended.wait, 5)


async def test_a_sync_tool_that_waits_in_a_method_of_the_context_is_ended_there(
    server: MCPServer, connect: Connect
) -> None:
    ended = threading.Event()

    @server.resource("wait://for-ever")
    async def wait() -> str:
        await asyncio.Event().wait()
        return "never told"

    @server.tool(timeout=0.1)
    def read(ctx: Context) -> None:
        try:
            ctx.read_resource_sync("wait://for-ever")
        except asyncio.CancelledError:
            if ctx.cancelled:
                ended.set()
            raise

    assert await text_of(connect, "read") == "Tool 'read' took longer than 0.1 seconds."
    assert await asyncio.to_thread(ended.wait, 5)


class Stubborn:
    """A way to the client that ends what it has begun to say, whatever happens meanwhile."""

    async def notify(self, method: str, params: dict[str, Any]) -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    async def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        raise NoWay

    async def hang_up(self, retry_seconds: float) -> None:
        raise NotImplementedError


@pytest.mark.parametrize("way", ["time is up", "called off"])
async def test_a_sync_tool_that_is_speaking_sees_that_it_is_cancelled(server: MCPServer, way: str) -> None:
    """asgiref takes a cancellation that the speaking swallows for dealt with."""
    speaking, seen = asyncio.Event(), []

    @server.tool(timeout=0.1 if way == "time is up" else 0)
    def report(ctx: Context) -> str:
        asyncio.run_coroutine_threadsafe(_set(speaking), loop)
        ctx.report_progress_sync(1, 2, "half")
        seen.append(ctx.cancelled)
        return "never told"

    async def _set(event: asyncio.Event) -> None:
        event.set()

    loop = asyncio.get_running_loop()
    params = {"name": "report", "arguments": {}, "_meta": {"progressToken": 1}}
    exchange = Exchange(
        engine=get_engine(server),
        method="tools/call",
        params=params,
        request_id=1,
        version="2025-11-25",
        transport="stdio",
        channel=Stubborn(),
    )
    async with asyncio.timeout(10):
        answering = asyncio.ensure_future(answer(exchange))
        await speaking.wait()
        if way == "called off":
            await asyncio.sleep(0.05)
            exchange.cancel()
            answering.cancel()
            await asyncio.wait([answering])
            assert answering.cancelled()
        else:
            assert b"took longer than 0.1 seconds" in (await answering).body
    assert seen == [True]


async def test_the_limit_of_a_function_still_holds_after_it_has_read_a_resource(
    server: MCPServer, connect: Connect, era: str
) -> None:
    @server.resource("polls://all")
    async def polls() -> str:
        return "all"

    @server.tool(timeout=0.3)
    async def tool(ctx: Context) -> str:
        await ctx.read_resource("polls://all")
        await asyncio.sleep(30)
        return "late"

    async with asyncio.timeout(10), connect(era) as client:
        result = await client.call_tool("tool", {})
    assert result.content[0].text == "Tool 'tool' took longer than 0.3 seconds."


async def test_a_timeout_of_the_tools_own_is_a_crash_like_any_other(server: MCPServer, connect: Connect) -> None:
    @server.tool(timeout=30)
    async def calls_somebody() -> None:
        raise TimeoutError("the other side")

    assert (
        await text_of(connect, "calls_somebody") == "Tool 'calls_somebody' failed unexpectedly. The error was logged."
    )


@override_settings(MCP_DJANGO={"AUTH": "none", "TOOL_TIMEOUT_SECONDS": 0.05})
async def test_the_settings_limit_tools_without_a_timeout_and_zero_lifts_it(
    server: MCPServer, connect: Connect
) -> None:
    @server.tool
    async def limited() -> None:
        await asyncio.sleep(30)

    @server.tool(timeout=0)
    async def unlimited() -> str:
        await asyncio.sleep(0.1)
        return "done"

    assert await text_of(connect, "limited") == "Tool 'limited' took longer than 0.05 seconds."
    assert await text_of(connect, "unlimited") == "done"


async def test_leaving_cancels_an_async_tool(server: MCPServer, application: Any) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    @server.tool
    async def slow() -> None:
        began.set()
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()

    call = _call(application, "slow")
    async with asyncio.timeout(10):
        await began.wait()
        call.disconnect()
        await ended.wait()
        await call.finished()
    assert call.response.status == 0


async def test_leaving_tells_a_sync_tool_and_closes_a_generator(server: MCPServer, application: Any) -> None:
    began, ended = threading.Event(), threading.Event()

    @server.tool
    def slow(ctx: Context) -> Iterator[Progress]:
        try:
            while True:
                began.set()
                threading.Event().wait(0.001)
                yield Progress(1)
        finally:
            ended.set()

    call = _call(application, "slow")
    async with asyncio.timeout(10):
        await asyncio.to_thread(began.wait, 5)
        call.disconnect()
        await asyncio.to_thread(ended.wait, 5)
        await call.finished()
    assert ended.is_set()


# The ORM


@pytest.mark.django_db(transaction=True)
async def test_the_orm_works_in_sync_and_async_tools(server: MCPServer, connect: Connect) -> None:
    @server.tool
    def create(username: str) -> Person:
        return User.objects.create(username=username)  # type: ignore[return-value]

    @server.tool
    async def everybody() -> list[Person]:
        assert await User.objects.acount() == 1
        return User.objects.all()  # type: ignore[return-value]

    assert '"ada"' in await text_of(connect, "create", {"username": "ada"})
    async with connect("auto") as client:
        result = await client.call_tool("everybody", {})
    assert result.structured_content == {"result": [{"username": "ada"}]}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("tool", ["sync_tool", "async_tool"])
async def test_an_atomic_tool_that_fails_leaves_nothing_behind(server: MCPServer, connect: Connect, tool: str) -> None:
    @server.tool(atomic=True)
    def sync_tool() -> None:
        assert connection.in_atomic_block
        User.objects.create(username="ghost")
        raise ToolError("no")

    @server.tool(atomic=True)
    async def async_tool() -> None:
        await User.objects.acreate(username="ghost")
        assert await sync_to_async(lambda: connection.in_atomic_block)()
        raise ToolError("no")

    assert await text_of(connect, tool) == "no"
    assert not await User.objects.filter(username="ghost").aexists()


@pytest.mark.django_db(transaction=True)
async def test_an_atomic_tool_that_succeeds_is_committed(server: MCPServer, connect: Connect) -> None:
    @server.tool(atomic=True)
    async def create() -> str:
        await User.objects.acreate(username="ada")
        return "created"

    assert await text_of(connect, "create") == "created"
    assert await User.objects.filter(username="ada").aexists()


@pytest.mark.django_db(transaction=True)
async def test_a_cancelled_atomic_tool_is_rolled_back(server: MCPServer, application: Any) -> None:
    began = asyncio.Event()

    @server.tool(atomic=True)
    async def slow() -> None:
        await User.objects.acreate(username="ghost")
        began.set()
        await asyncio.sleep(30)

    call = _call(application, "slow")
    async with asyncio.timeout(10):
        await began.wait()
        call.disconnect()
        await call.finished()
    assert not await User.objects.filter(username="ghost").aexists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("tool", "left"), [("plain", 0), ("exempt", 1), ("opted_out", 1)])
async def test_atomic_requests_is_honoured_by_django_s_own_rules(
    server: MCPServer, connect: Connect, monkeypatch: pytest.MonkeyPatch, tool: str, left: int
) -> None:
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)

    @server.tool
    def plain() -> None:
        User.objects.create(username="ghost")
        raise ToolError("no")

    @server.tool
    @transaction.non_atomic_requests
    def exempt() -> None:
        User.objects.create(username="ghost")
        raise ToolError("no")

    @server.tool(atomic=False)
    async def opted_out() -> None:
        await User.objects.acreate(username="ghost")
        raise ToolError("no")

    assert await text_of(connect, tool) == "no"
    assert await User.objects.filter(username="ghost").acount() == left


def _call(application: Any, tool: str) -> Call:

    message, headers = modern_request("tools/call", {"name": tool, "arguments": {}}, progressToken=1)

    return Call(application, json.dumps(message).encode(), headers={**JSON_HEADERS, **headers})
