"""What is recorded of the requests of real clients, through the ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from asgiref.sync import sync_to_async
from django.core.cache import cache
from django.dispatch import Signal
from mcp.shared.exceptions import MCPError

from mcp_django import MCPServer, ToolError, signals
from mcp_django.activity import get_recorder
from mcp_django.models import Call
from tests.activity.conftest import facts
from tests.conftest import Connect
from tests.wire import JSON_HEADERS, request

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]

Recorded = Callable[..., list[Call]]


async def read(recorded: Recorded, method: str = "") -> list[Call]:
    return await sync_to_async(recorded)(method)


async def test_a_call_is_one_row_with_all_that_is_known_of_it(
    server: MCPServer, connect: Connect, recorded: Recorded, era: str
) -> None:
    @server.tool
    def search(text: str) -> str:
        return text

    async with connect(era) as client:
        await client.call_tool("search", {"text": "secret of mine"})
    (call,) = await read(recorded, "tools/call")
    assert facts(call, "server", "kind", "component", "outcome", "error", "transport", "arguments") == (
        "fixture",
        "tool",
        "search",
        "ok",
        "",
        "streamable-http",
        "",
    )
    assert call.protocol_version == ("2025-11-25" if era == "legacy" else "2026-07-28")
    assert call.milliseconds > 0
    assert call.request_id
    assert facts(call, "user_id", "principal") == (None, "nobody")
    if era != "legacy":  # without sessions, nothing is remembered of a client that shook hands
        assert (call.client_name, call.client_version) == ("mcp", call.client_version)
        assert call.client_version


@pytest.mark.parametrize(
    ("raised", "error"), [(ToolError("no"), "ToolError"), (ZeroDivisionError(), "ZeroDivisionError")]
)
async def test_a_tool_that_fails_is_recorded_with_the_class_of_its_error(
    server: MCPServer, connect: Connect, recorded: Recorded, raised: Exception, error: str
) -> None:
    @server.tool
    def fail() -> str:
        raise raised

    async with connect() as client:
        await client.call_tool("fail", {})
    (call,) = await read(recorded, "tools/call")
    assert facts(call, "component", "outcome", "error") == ("fail", "tool_error", error)


async def test_what_is_refused_and_what_crashes_are_told_apart(
    server: MCPServer, connect: Connect, recorded: Recorded
) -> None:
    @server.resource("notes://{number}")
    def note(number: int) -> str:
        raise ZeroDivisionError

    async with connect() as client:
        for attempt in (client.call_tool("nothing", {}), client.read_resource("notes://1"), client.get_prompt("none")):
            with pytest.raises(MCPError):
                await attempt
    calls = [call for call in await read(recorded) if call.method.endswith(("call", "read", "get"))]
    assert [facts(call, "kind", "component", "outcome", "error") for call in calls] == [
        ("tool", "", "refused", "unknown"),
        ("resource", "notes://{number}", "failed", "ZeroDivisionError"),
        ("prompt", "", "refused", "unknown"),
    ]


async def test_a_call_that_comes_too_often_is_recorded_with_what_was_called(
    server: MCPServer, connect: Connect, recorded: Recorded, era: str
) -> None:
    cache.clear()
    server.add_tool(lambda: "", name="slow", throttle="1/h")
    async with connect(era) as client:
        await client.call_tool("slow", {})
        with pytest.raises((MCPError, httpx2.HTTPStatusError)):
            await client.call_tool("slow", {})
    _, call = await read(recorded, "tools/call")
    assert facts(call, "kind", "component", "outcome", "error") == ("tool", "slow", "refused", "throttled")


async def test_a_cancelled_call_is_recorded(application: Any, server: MCPServer, recorded: Recorded) -> None:
    begun = asyncio.Event()

    @server.tool
    async def wait() -> str:
        begun.set()
        await asyncio.sleep(60)
        return ""

    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=application), base_url="http://testserver"
    ) as http:
        body = request("tools/call", {"name": "wait", "arguments": {}})
        posting = asyncio.ensure_future(http.post("/mcp", json=body, headers=JSON_HEADERS))
        await asyncio.wait_for(begun.wait(), 10)
        posting.cancel()
        await asyncio.gather(posting, return_exceptions=True)
    (call,) = await read(recorded, "tools/call")
    assert facts(call, "component", "outcome") == ("wait", "cancelled")


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"host": "elsewhere.example"}, 421, "bad_host"),
        ({"origin": "https://evil.example"}, 403, "bad_origin"),
        ({"content-type": "text/plain"}, 415, "bad_media_type"),
        ({"accept": "text/html"}, 406, "not_acceptable"),
    ],
)
async def test_what_is_refused_before_it_is_read_is_recorded(
    application: Any, recorded: Recorded, changes: dict[str, str], status: int, error: str
) -> None:
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=application), base_url="http://testserver"
    ) as http:
        answer = await http.post("/mcp", json=request("ping"), headers={**JSON_HEADERS, **changes})
    assert answer.status_code == status
    (call,) = await read(recorded)
    assert facts(call, "server", "method", "outcome", "error") == ("fixture", "", "refused", error)


async def test_arguments_are_recorded_when_wanted_and_secrets_among_them_are_not(
    server: MCPServer, connect: Connect, recorded: Recorded, limited: Callable[..., None]
) -> None:
    limited(ACTIVITY="buffered", ACTIVITY_ARGUMENTS=True)

    @server.tool
    def search(text: str, options: dict[str, Any]) -> str:
        return text

    async with connect() as client:
        await client.call_tool("search", {"text": "cities", "options": {"API_Key": "k-1", "list": [{"Password": "p"}]}})
    (call,) = await read(recorded, "tools/call")
    redacted = '{"API_Key": "[redacted]", "list": [{"Password": "[redacted]"}]}'
    assert call.arguments == f'{{"text": "cities", "options": {redacted}}}'


async def test_strict_activity_is_written_before_the_answer(
    server: MCPServer, connect: Connect, limited: Callable[..., None]
) -> None:
    limited(ACTIVITY="strict")

    @server.tool
    def search() -> str:
        return ""

    async with connect() as client:
        await client.call_tool("search", {})
        assert await Call.objects.filter(method="tools/call").acount() == 1


async def test_nothing_is_recorded_when_activity_is_off(server: MCPServer, connect: Connect) -> None:
    @server.tool
    def search() -> str:
        return ""

    async with connect() as client:
        await client.call_tool("search", {})
    assert get_recorder() is None
    assert await Call.objects.acount() == 0


@pytest.fixture
def heard() -> Any:
    """Collect what a signal tells: ``heard(signal)``."""
    connected: list[tuple[Signal, Any]] = []

    def listen(signal: Signal) -> list[Any]:
        found: list[Any] = []

        def receive(**arguments: Any) -> None:
            found.append(arguments)
            raise RuntimeError("a receiver that fails")

        signal.connect(receive)
        connected.append((signal, receive))
        return found

    yield listen
    for signal, receive in connected:
        signal.disconnect(receive)


async def test_receivers_are_told_of_calls_reads_and_refusals_and_may_fail(
    server: MCPServer, connect: Connect, recorded: Recorded, heard: Any
) -> None:
    @server.tool
    def search() -> str:
        return ""

    @server.resource("notes://all")
    def notes() -> str:
        return ""

    told = {name: heard(getattr(signals, name)) for name in ("tool_called", "resource_read", "refused")}
    async with connect() as client:
        await client.call_tool("search", {})
        await client.read_resource("notes://all")
        with pytest.raises(MCPError):
            await client.call_tool("nothing", {})
    calls = await read(recorded)
    assert {"tools/call", "resources/read"} <= {call.method for call in calls}
    assert [each["call"].component for each in told["tool_called"]] == ["search", ""]
    assert [each["call"].component for each in told["resource_read"]] == ["notes://all"]
    assert [each["call"].error for each in told["refused"]] == ["unknown"]
    assert all(each["sender"] is Call for found in told.values() for each in found)


async def test_receivers_are_told_of_sessions(
    server: MCPServer, connect: Connect, limited: Callable[..., None], heard: Any
) -> None:
    limited(SESSIONS=True)
    opened, closed = heard(signals.session_opened), heard(signals.session_closed)
    async with connect("legacy"):
        pass
    (first,) = opened
    assert (first["server"], first["user_id"], first["transport"]) == ("fixture", None, "streamable-http")
    assert [each["session_id"] for each in closed] == [first["session_id"]]
