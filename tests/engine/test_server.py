"""``Engine``: compiled once, compiled anew when a declaration changes, and never brought down by a bad one."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from django.test import override_settings

from mcp_django import MCPServer
from mcp_django.engine.server import Engine, get_engine
from mcp_django.exceptions import InvalidDeclaration
from tests.conftest import Connect
from tests.wire import modern_request, post

pytestmark = pytest.mark.anyio


class Opaque: ...


def vote() -> str:
    return "voted"


def count() -> str:
    return "counted"


def greet(who: str) -> str:
    return f"hello {who}"


def unreadable(choice: Undeclared) -> None: ...  # type: ignore[name-defined]  # noqa: F821 - that is the fault
def opaque(choice: Opaque) -> None: ...


def generator() -> Generator[int]:
    yield 1


async def ask(application: Any, method: str, params: dict[str, Any] | None = None) -> Any:
    message, headers = modern_request(method, params)
    response = await post(application, message, headers=headers)
    assert response.status != 500
    return response.json


async def tools(application: Any) -> list[str]:
    return [tool["name"] for tool in (await ask(application, "tools/list"))["result"]["tools"]]


def test_a_server_has_one_engine(server: MCPServer) -> None:
    assert get_engine(server) is get_engine(server)
    assert get_engine(server) is not get_engine(MCPServer("other"))


def test_changed_settings_make_a_new_engine(server: MCPServer) -> None:
    first = get_engine(server)
    with override_settings(MCP_DJANGO={"AUTH": "none", "PAGE_SIZE": 5}):
        second = get_engine(server)
    with override_settings(USE_TZ=False):
        assert get_engine(server) is not second
    assert first is not second


def test_an_engine_keeps_the_order_of_declaration(server: MCPServer) -> None:
    for name in ("b", "c", "a"):
        server.add_tool(vote, name)
        server.add_prompt(vote, name)
        server.add_resource(f"polls://{name}", vote)
    engine = Engine(server)
    assert list(engine.tools) == list(engine.prompts) == ["b", "c", "a"]
    assert list(engine.resources) == ["polls://b", "polls://c", "polls://a"]


def test_what_has_not_changed_is_not_compiled_again(server: MCPServer) -> None:
    server.add_tool(vote)
    before = get_engine(server).tools["vote"]
    server.add_tool(count)
    engine = get_engine(server)
    assert engine.tools["vote"] is before
    assert list(engine.tools) == ["vote", "count"]


def test_a_component_that_was_replaced_is_compiled_again(server: MCPServer) -> None:
    server.add_tool(vote)
    before = get_engine(server).tools["vote"]
    server.remove_tool("vote")
    server.add_tool(count, "vote")
    after = get_engine(server).tools["vote"]
    assert after is not before
    assert after.declaration.fn is count


@pytest.mark.parametrize("fn", [unreadable, opaque])
def test_an_engine_does_not_start_with_a_declaration_that_it_can_not_serve(server: MCPServer, fn: Any) -> None:
    server.add_tool(vote)
    server.add_tool(fn)
    with pytest.raises(InvalidDeclaration, match=f"tool {fn.__name__!r} in {__name__}"):
        get_engine(server)


def test_an_engine_that_did_not_start_is_tried_anew(server: MCPServer) -> None:
    server.add_tool(unreadable)
    for _ in range(2):
        with pytest.raises(InvalidDeclaration):
            get_engine(server)
    server.remove_tool("unreadable")
    assert get_engine(server).tools == {}


@pytest.mark.parametrize("icons", [[5], [{"url": "a.png"}]])
def test_an_engine_does_not_start_with_icons_that_no_client_would_understand(icons: Any) -> None:
    server = MCPServer("reports", icons=icons)
    with pytest.raises(InvalidDeclaration, match="server 'reports'"):
        get_engine(server)


class Broken:
    def __iter__(self) -> Any:
        raise RuntimeError("no choices today")


def test_an_error_of_the_author_s_own_stops_the_start_as_well_and_names_the_server(server: MCPServer) -> None:
    server.add_prompt(greet, complete={"who": Broken()})
    with pytest.raises(InvalidDeclaration, match=r"'fixture'.* can't be compiled: no choices today") as refused:
        get_engine(server)
    assert isinstance(refused.value.__cause__, RuntimeError)


LATE_AND_BAD = [
    lambda s: s.add_tool(unreadable),
    lambda s: s.add_tool(opaque),
    lambda s: s.add_tool(count, "bad", title=5),
    lambda s: s.add_tool(count, "bad", meta={"a": object()}),
    lambda s: s.add_tool(vote, "bad", output=Opaque, structured_output=True),
    lambda s: s.add_tool(count, "bad", input_schema={"type": "array"}),
    lambda s: s.add_prompt(unreadable),
    lambda s: s.add_resource("polls://{a}", vote),
    lambda s: s.add_resource("polls://{a", vote),
    lambda s: s.completion(prompt="missing", argument="a")(vote),
    lambda s: s.add_prompt(vote, "bad", complete={"missing": ["a"]}),
    lambda s: s.add_prompt(greet, complete={"who": Broken()}),
]


@pytest.mark.parametrize("declare", LATE_AND_BAD)
async def test_a_bad_late_declaration_is_logged_and_left_out_and_the_others_stay_served(
    server: MCPServer, application: Any, caplog: pytest.LogCaptureFixture, declare: Any
) -> None:
    server.add_tool(vote)
    server.add_prompt(vote)
    server.add_resource("polls://latest", vote)
    assert await tools(application) == ["vote"]
    declare(server)
    assert await tools(application) == ["vote"]
    assert "Not served: " in caplog.text
    assert [record.levelname for record in caplog.records if "Not served" in record.message] == ["ERROR"]
    server.add_tool(count)
    assert await tools(application) == ["vote", "count"]
    assert (await ask(application, "tools/call", {"name": "vote"}))["result"]["content"][0]["text"] == "voted"
    assert (await ask(application, "prompts/get", {"name": "vote"}))["result"]["messages"]
    assert (await ask(application, "resources/read", {"uri": "polls://latest"}))["result"]["contents"]


async def test_a_late_generator_of_the_short_spelling_is_served(server: MCPServer, application: Any) -> None:
    assert await tools(application) == []
    server.add_tool(generator)
    assert await tools(application) == ["generator"]


async def test_components_come_and_go_while_a_client_is_connected(
    server: MCPServer, connect: Connect, era: str
) -> None:
    server.add_tool(vote)
    async with connect(era) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["vote"]
        server.add_tool(count)
        server.add_prompt(vote)
        server.add_resource("polls://latest", vote)
        server.add_resource("polls://{a}", lambda a: a, "poll")
        assert [tool.name for tool in (await client.list_tools(cache_mode="bypass")).tools] == ["vote", "count"]
        assert (await client.call_tool("count", {})).structured_content == {"result": "counted"}
        assert [each.name for each in (await client.list_prompts()).prompts] == ["vote"]
        assert [each.name for each in (await client.list_resources()).resources] == ["vote"]
        assert [each.name for each in (await client.list_resource_templates()).resource_templates] == ["poll"]
        server.remove_tool("vote")
        server.remove_prompt("vote")
        server.remove_resource("polls://latest")
        server.remove_resource("polls://{a}")
        assert [tool.name for tool in (await client.list_tools(cache_mode="bypass")).tools] == ["count"]
        assert (await client.list_prompts(cache_mode="bypass")).prompts == []
        assert (await client.list_resources(cache_mode="bypass")).resources == []
        assert (await client.list_resource_templates(cache_mode="bypass")).resource_templates == []


async def test_a_tool_may_add_another_from_its_thread(server: MCPServer, application: Any) -> None:
    @server.tool
    def grow() -> str:
        server.add_tool(count)
        return "grown"

    await ask(application, "tools/call", {"name": "grow"})
    assert await tools(application) == ["grow", "count"]


@pytest.mark.parametrize("option", ["title", "description", "instructions", "version", "website_url"])
def test_what_a_server_says_of_itself_is_a_text_or_it_does_not_start(option: str) -> None:
    said: Any = {option: 5}
    with pytest.raises(InvalidDeclaration, match="<MCPServer 'odd' at 'odd'> can't describe itself"):
        Engine(MCPServer("odd", **said))
