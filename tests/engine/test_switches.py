"""Components that are switched off look like what isn't there, on every worker."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import Any, Literal

import pytest
from mcp import Client
from mcp.client.subscriptions import ToolsListChanged
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, ResourceTemplateReference

from mcp_django import Context, MCPServer
from mcp_django.engine import switches
from mcp_django.engine.server import get_engine
from mcp_django.models import ComponentSwitch
from mcp_django.sessions.hub import get_hub
from tests.sessions.layers import SharedLayer
from tests.sessions.peer import heard, leave, listening
from tests.sessions.queries import note_queries
from tests.sessions.roads import over_http, over_stdio
from tests.sessions.workers import two_workers

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let servers read their switches, as they do when they serve."""
    monkeypatch.setattr(MCPServer, "unread", True)
    monkeypatch.setattr(switches, "_failing", set())


@pytest.fixture
def server(server: MCPServer) -> MCPServer:
    @server.tool
    def vote(choice: Literal["yes", "no"]) -> str:
        return choice

    @server.tool
    def other() -> str:
        return "other"

    @server.resource("polls://latest")
    def latest() -> str:
        return "the latest"

    @server.resource("polls://{number}")
    def poll(number: int) -> str:
        return f"poll {number}"

    @server.prompt
    def summarise(tone: Literal["dry", "warm"]) -> str:
        return tone

    @server.completion(resource="polls://{number}", argument="number")
    def numbers(typed: str) -> list[str]:
        return ["1", "2"]

    return server


@asynccontextmanager
async def connected(road: str, server: MCPServer, application: Any) -> Any:
    async with over_stdio(server) if road == "stdio" else over_http(application, mode=road) as client:
        yield client


ROADS = ("legacy", "2026-07-28", "stdio")


async def message_of(doing: Any) -> str:
    with pytest.raises(MCPError) as refused:
        await doing
    return refused.value.message


async def seen(client: Client) -> dict[str, list[str]]:
    return {
        "tools": [each.name for each in (await client.list_tools()).tools],
        "resources": [str(each.uri) for each in (await client.list_resources()).resources],
        "templates": [each.uri_template for each in (await client.list_resource_templates()).resource_templates],
        "prompts": [each.name for each in (await client.list_prompts()).prompts],
    }


@pytest.mark.parametrize("road", ROADS)
async def test_what_is_off_looks_like_what_is_not_there_until_it_is_on_again(
    road: str, server: MCPServer, application: Any
) -> None:
    async with connected(road, server, application) as client:
        before = await seen(client)
        assert before == {
            "tools": ["vote", "other"],
            "resources": ["polls://latest"],
            "templates": ["polls://{number}"],
            "prompts": ["summarise"],
        }
        every: list[Any] = [
            ("tool", "vote"),
            ("resource", "polls://latest"),
            ("resource", "polls://{number}"),
            ("prompt", "summarise"),
        ]
        for kind, key in every:
            await server.adisable(kind, key)
        assert await seen(client) == {"tools": ["other"], "resources": [], "templates": [], "prompts": []}
        unknown = await message_of(client.call_tool("nothing", {"choice": "yes"}))
        assert await message_of(client.call_tool("vote", {"choice": "yes"})) == unknown.replace("nothing", "vote")
        for uri in ("polls://latest", "polls://7"):
            gone = await message_of(client.read_resource("nothing://7"))
            assert await message_of(client.read_resource(uri)) == gone.replace("nothing://7", uri)
        unknown = await message_of(client.get_prompt("nothing", {"tone": "dry"}))
        assert await message_of(client.get_prompt("summarise", {"tone": "dry"})) == unknown.replace(
            "nothing", "summarise"
        )
        ref = PromptReference(type="ref/prompt", name="summarise")
        assert "There is no such prompt" in await message_of(client.complete(ref, {"name": "tone", "value": "d"}))
        for kind, key in every:
            await server.aenable(kind, key)
        assert await seen(client) == before
        assert not (await client.call_tool("vote", {"choice": "yes"})).is_error


async def test_a_completion_that_is_off_suggests_nothing(server: MCPServer, application: Any) -> None:
    ref = ResourceTemplateReference(type="ref/resource", uri="polls://{number}")
    async with over_http(application) as client:
        assert (await client.complete(ref, {"name": "number", "value": ""})).completion.values == ["1", "2"]
        await server.adisable("completion", "resource polls://{number} argument number")
        assert (await client.complete(ref, {"name": "number", "value": ""})).completion.values == []


async def test_a_tool_that_another_one_reads_from_is_not_there_either(server: MCPServer, application: Any) -> None:
    @server.tool
    async def relay(ctx: Context) -> str:
        return str((await ctx.read_resource("polls://latest"))[0].content)

    async with over_http(application) as client:
        assert not (await client.call_tool("relay")).is_error
        await server.adisable("resource", "polls://latest")
        assert (await client.call_tool("relay")).is_error


async def test_a_switch_from_before_the_start_holds_for_the_first_call(server: MCPServer, application: Any) -> None:
    await ComponentSwitch.objects.acreate(server="fixture", kind="tool", key="vote")
    async with over_http(application, mode="2026-07-28") as client:
        assert "Unknown tool" in await message_of(client.call_tool("vote", {"choice": "yes"}))


@pytest.mark.parametrize("road", ["2026-07-28", "stdio"])
async def test_who_listens_hears_of_a_switch(road: str, server: MCPServer, application: Any) -> None:
    mode = {"mode": "2026-07-28"}
    way = over_stdio(server, **mode) if road == "stdio" else over_http(application, **mode)
    async with asyncio.timeout(10), way as client, client.listen(tools_list_changed=True) as subscription:
        for switch, names in ((server.adisable, ["other"]), (server.aenable, ["vote", "other"])):
            await switch("tool", "vote")
            assert await anext(aiter(subscription)) == ToolsListChanged()
            assert [each.name for each in (await client.list_tools()).tools] == names


async def test_nothing_is_asked_again_of_the_database_until_something_changes(
    server: MCPServer, application: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = note_queries(monkeypatch)
    async with over_http(application, mode="2026-07-28") as client:
        for _ in range(3):
            await client.call_tool("other")
        assert len([sql for sql in queries if "componentswitch" in sql]) == 1


async def test_many_that_come_at_once_read_once(
    server: MCPServer, application: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = note_queries(monkeypatch)
    async with over_http(application, mode="2026-07-28") as client:
        await asyncio.gather(*(client.call_tool("other") for _ in range(8)))
    assert len([sql for sql in queries if "componentswitch" in sql]) == 1


async def test_a_message_that_was_lost_is_made_good_by_the_next_look(
    server: MCPServer, application: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And those who listen hear of it then."""
    monkeypatch.setattr(switches, "FRESH_SECONDS", 0)
    async with over_http(application, mode="2026-07-28") as client:
        await client.call_tool("other")
        listener = listening(application, {"toolsListChanged": True})
        await heard(listener, "notifications/subscriptions/acknowledged")
        await ComponentSwitch.objects.acreate(server="fixture", kind="tool", key="vote")
        async with asyncio.timeout(10):
            while "vote" in [each.name for each in (await client.list_tools()).tools]:
                await asyncio.sleep(0)
        await heard(listener, "notifications/tools/list_changed")
        await leave(listener)


async def test_the_other_worker_knows_before_its_clients_are_told(
    server: MCPServer, application: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = SharedLayer()
    async with two_workers(application, layer, monkeypatch) as (one, two):
        for worker in (one, two):
            async with over_http(worker, mode="2026-07-28") as client:
                await client.list_tools()
        listener = listening(two, {"toolsListChanged": True})
        await heard(listener, "notifications/subscriptions/acknowledged")
        await ComponentSwitch.objects.acreate(server="fixture", kind="tool", key="vote")
        one.hub.publish(("switches", "fixture", ""))  # as another process says it: this one shares the registry
        async with asyncio.timeout(10):
            while not server.unread:
                await asyncio.sleep(0.001)
        async with over_http(two, mode="2026-07-28") as client:
            assert [each.name for each in (await client.list_tools()).tools] == ["other"]
        await leave(listener)


async def test_another_process_that_compiles_anew_makes_this_one_do_so_too(server: MCPServer, application: Any) -> None:
    async with over_http(application, mode="2026-07-28") as client:
        await client.list_tools()
        before = get_engine(server).tools["vote"]
        get_hub().publish(("switches", "fixture", "compile"))
        get_hub().publish(("switches", "elsewhere", "compile"))
        await client.list_tools()
        assert get_engine(server).tools["vote"] is not before


async def test_messages_that_may_have_been_lost_let_the_rows_be_read_again(server: MCPServer, application: Any) -> None:
    async with over_http(application, mode="2026-07-28") as client:
        await client.list_tools()
        assert not server.unread
        get_hub()._miss()
        assert server.unread


async def test_a_database_that_can_not_be_read_changes_nothing_and_is_told_once(
    server: MCPServer, application: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**options: Any) -> None:
        raise RuntimeError("no database")

    async with over_http(application, mode="2026-07-28") as client:
        await server.adisable("tool", "vote")
        await client.list_tools()
        with caplog.at_level(logging.WARNING, "mcp_django.engine.switches"), monkeypatch.context() as patch:
            patch.setattr(server, "read_switches", fail)
            for _ in range(2):
                server.mark_unread()
                assert [each.name for each in (await client.list_tools()).tools] == ["other"]
        assert [record.getMessage() for record in caplog.records] == [
            "Which components are switched off can't be read (RuntimeError): no database"
        ]
        await server.aenable("tool", "vote")
        assert len((await client.list_tools()).tools) == 2


async def test_reload_from_async_code_lets_a_schema_be_made_anew(server: MCPServer, application: Any) -> None:
    async with over_http(application, mode="2026-07-28") as client:
        await client.list_tools()
        before = get_engine(server).tools["vote"]
        await server.areload()
        await client.list_tools()
        assert get_engine(server).tools["vote"] is not before
