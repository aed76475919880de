"""``FastMCP``: where it answers, what it declares, and what it says when it is asked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from mcp_types import ToolAnnotations

from mcp_django import MCPServer, ResourceError, ToolError
from mcp_django.auth import ANONYMOUS
from mcp_django.auth.access_token import acting_for
from mcp_django.exceptions import AlreadyRegistered, InvalidDeclaration
from mcp_django.fastmcp import Context, FastMCP, FastMCPWarning, base
from mcp_django.registry import server as registered
from mcp_django.registry import servers
from mcp_django.registry.discovery import settle_default
from tests.conftest import Connect
from tests.wire import Call, post, request


@pytest.fixture
def default(monkeypatch: pytest.MonkeyPatch) -> MCPServer:
    """An empty default server, and no other."""
    monkeypatch.setattr(registered, "_servers", {})
    return MCPServer("", path="")


def ping() -> str:
    """Say that it is there."""
    return "here"


def places() -> dict[str, str]:
    return {server.path: server.name for server in servers()}


def test_the_only_one_answers_where_the_default_server_does(default: MCPServer) -> None:
    mcp = FastMCP("My First Server")
    reports = MCPServer("reports")
    settle_default()
    assert (servers(), mcp.name, places()) == ((mcp, reports), "My First Server", {"": mcp.name, "reports": "reports"})


def test_what_is_declared_on_the_server_whose_place_it_took_is_an_error(default: MCPServer) -> None:
    FastMCP("first")
    settle_default()
    with pytest.raises(
        InvalidDeclaration, match=r"whose place <MCPServer 'first' at '/'> of tests.fastmcp.test_server has"
    ):
        default.add_tool(ping)


def test_it_stays_at_its_slug_beside_a_default_server_with_components(default: MCPServer) -> None:
    FastMCP("My First Server")
    default.add_tool(ping)
    settle_default()
    assert places() == {"": "", "my-first-server": "My First Server"}


def test_two_of_them_stay_at_their_slugs_in_whatever_order(default: MCPServer) -> None:
    FastMCP("b")
    FastMCP("a")
    settle_default()
    settle_default()
    assert places() == {"": "", "a": "a", "b": "b"}


def test_settling_twice_changes_nothing(default: MCPServer) -> None:
    mcp = FastMCP("a")
    settle_default()
    settle_default()
    assert servers() == (mcp,)


def test_two_of_one_name_are_an_error_that_names_their_modules() -> None:
    FastMCP("twin")
    with pytest.raises(AlreadyRegistered, match=r"tests.fastmcp.test_server and in tests.fastmcp.test_server"):
        FastMCP("twin")


@pytest.mark.parametrize(("name", "slug"), [(None, "fastmcp"), ("Сервер", "fastmcp"), ("A b", "a-b")])
def test_any_text_is_a_name(name: str | None, slug: str) -> None:
    assert (FastMCP(name).path, FastMCP(f"{name} again", streamable_http_path="/mcp/x").path) == (slug, "x")


def test_a_path_outside_of_the_prefix_is_an_error_that_names_the_setting() -> None:
    with pytest.raises(
        InvalidDeclaration, match=r"at '/api', and this project's endpoints are below '/mcp'.*\['PATH'\]"
    ):
        FastMCP("x", streamable_http_path="/api")


@pytest.mark.parametrize("attribute", ["_tool_manager", "_resource_manager", "_prompt_manager"])
def test_the_managers_are_gone_and_the_error_says_what_to_call(attribute: str) -> None:
    with pytest.raises(AttributeError, match=rf"no attribute '{attribute}': count with mcp.describe\(\), list with"):
        getattr(FastMCP("x"), attribute)
    with pytest.raises(AttributeError, match=r"^'FastMCP' object has no attribute 'nothing'$"):
        FastMCP("y").nothing  # noqa: B018 - looking it up is what fails


def test_the_first_of_a_name_stays_and_a_warning_tells_of_the_second() -> None:
    mcp = FastMCP("x")
    mcp.tool(name="ping")(ping)
    with pytest.warns(FastMCPWarning, match="tool 'ping' is declared in .* and again in .*. The first one stays."):

        @mcp.tool(name="ping")
        def other() -> str:
            return "other"

    assert [each.fn for each in mcp.declarations("tool")] == [ping]


def test_nothing_is_said_of_the_second_where_that_is_wanted() -> None:
    mcp = FastMCP("x", warn_on_duplicate_tools=False)
    mcp.add_tool(ping)
    mcp.add_tool(ping)


def test_annotations_and_arguments_in_their_old_order_are_understood() -> None:
    mcp = FastMCP("x")
    hints = ToolAnnotations(readOnlyHint=True, openWorldHint=False)
    mcp.tool("one", "Title", "Text", hints)(ping)
    mcp.add_tool(ping, "two", "Title", "Text", {"readOnlyHint": False, "title": "ignored"})
    mcp.tool(ping)
    mcp.prompt("hello", "Hello", "Say it")(ping)
    one, two, bare = (each for each in mcp.declarations("tool"))
    assert (one.title, one.description, one.read_only, one.open_world) == ("Title", "Text", True, False)  # type: ignore[attr-defined]
    assert (two.title, two.read_only, bare.name) == ("Title", False, "ping")  # type: ignore[attr-defined]
    assert [(each.name, each.title) for each in mcp.declarations("prompt")] == [("hello", "Hello")]


@pytest.fixture
def mcp() -> Iterator[FastMCP]:
    """A server with something of each kind."""
    mcp = FastMCP("everything")

    @mcp.tool()
    def add(a: int, b: int = 2) -> int:
        """Add."""
        return a + b

    @mcp.tool()
    def crash() -> None:
        raise ValueError("secret")

    mcp.tool(name="hidden", scopes=["admin"])(ping)

    @mcp.tool()
    def loose() -> dict:  # type: ignore[type-arg]
        return {"a": 1}

    @mcp.resource("config://app", mime_type="application/json")
    def config() -> dict[str, int]:
        return {"version": 1}

    @mcp.resource("user://{name}")
    def user(name: str) -> str:
        return name

    @mcp.prompt()
    def hello() -> list[base.Message]:
        return [base.UserMessage("hi"), base.AssistantMessage("ho")]

    return mcp


@pytest.mark.anyio
async def test_lists_hold_items_that_answer_to_old_names_and_new(mcp: FastMCP) -> None:
    add, *_ = await mcp.list_tools()
    assert add.inputSchema == add.input_schema
    assert (add.outputSchema["type"], add.name, add.description) == ("object", "add", "Add.")
    (config,), (user,) = await mcp.list_resources(), await mcp.list_resource_templates()
    assert (str(config.uri), config.mimeType, user.uriTemplate) == ("config://app", "application/json", "user://{name}")
    assert [prompt.name for prompt in await mcp.list_prompts()] == ["hello"]
    with pytest.raises(AttributeError, match="no attribute 'nothingAtAll'"):
        add.nothingAtAll  # noqa: B018 - looking it up is what fails
    counts = mcp.describe().counts
    assert (counts["tool"], counts["resource"], counts["template"], counts["prompt"]) == (4, 1, 1, 1)


@pytest.mark.anyio
async def test_calls_answer_in_their_old_shapes(mcp: FastMCP) -> None:
    content, structured = await mcp.call_tool("add", {"a": 1})
    assert (content[0].text, structured) == ("3", {"result": 3})  # type: ignore[union-attr]
    (block,) = await mcp.call_tool("loose", {})
    assert block.text == '{\n  "a": 1\n}'  # type: ignore[union-attr]
    (found,) = await mcp.read_resource("user://alice")
    assert (found.content, found.mime_type) == ("alice", "text/plain")
    messages = (await mcp.get_prompt("hello")).messages
    assert [(each.role, each.content.text) for each in messages] == [("user", "hi"), ("assistant", "ho")]  # type: ignore[union-attr]


@pytest.mark.anyio
async def test_calls_that_fail_raise_what_they_raised(mcp: FastMCP) -> None:
    with pytest.raises(ToolError, match=r"^Unknown tool: nothing$"):
        await mcp.call_tool("nothing", {})
    with pytest.raises(ToolError, match="a: is required"):
        await mcp.call_tool("add", {})
    with pytest.raises(ToolError, match="failed unexpectedly") as crashed:
        await mcp.call_tool("crash", {})
    assert "secret" not in str(crashed.value)
    with pytest.raises(ResourceError, match="Unknown resource: x://y"):
        await mcp.read_resource("x://y")
    with pytest.raises(ValueError, match="Unknown prompt: nothing"):
        await mcp.get_prompt("nothing")


@pytest.mark.anyio
async def test_within_a_call_another_tool_is_called_with_the_rights_of_the_caller(mcp: FastMCP) -> None:
    content, _ = await mcp.call_tool("hidden", {})
    assert content[0].text == "here"  # type: ignore[union-attr]
    with acting_for(ANONYMOUS), pytest.raises(ToolError, match="Unknown tool: hidden"):
        await mcp.call_tool("hidden", {})


@pytest.mark.anyio
async def test_objects_of_the_sdk_are_declared_as_well(mcp: FastMCP) -> None:
    from mcp.server.mcpserver.prompts import Prompt
    from mcp.server.mcpserver.resources import TextResource

    mcp.add_resource(TextResource(uri="note://1", name="note", text="Buy milk"))
    mcp.add_prompt(Prompt.from_function(ping, title="Ping"))
    (found,) = await mcp.read_resource("note://1")
    assert (found.content, found.mime_type) == ("Buy milk", "text/plain")
    assert (await mcp.get_prompt("ping")).messages[0].content.text == "here"  # type: ignore[union-attr]


@pytest.mark.anyio
async def test_a_context_has_the_names_that_old_code_uses(server: MCPServer, connect: Connect) -> None:
    said: list[Any] = []

    @server.tool
    async def look(ctx: Context[Any, None]) -> dict[str, Any]:  # type: ignore[type-arg]
        await ctx.session.send_log_message("info", "hello", logger="mine")
        await ctx.session.send_progress_notification(1, 0.5, 1.0, "half")
        await ctx.session.send_tool_list_changed()
        await ctx.session.send_resource_list_changed()
        await ctx.session.send_prompt_list_changed()
        await ctx.session.send_resource_updated("config://app")
        with pytest.raises(AttributeError, match=r"ctx.session has no 'client_params' here"):
            ctx.session.client_params  # noqa: B018 - looking it up is what fails
        context = ctx.request_context
        return {
            "server": ctx.fastmcp.name,
            "same": str(context.request_id) == ctx.request_id,
            "token": context.meta.progressToken is not None,
            "headers": sorted(set(context.request.headers) & {"authorization", "content-type"}),
        }

    async def heard(params: Any) -> None:
        said.append((params.level, params.data, params.logger))

    async def progressed(*step: Any) -> None:
        said.append(step)

    async with connect("legacy", logging_callback=heard) as client:
        result = await client.call_tool("look", {}, progress_callback=progressed)
    assert result.structured_content == {
        "server": "fixture",
        "same": True,
        "token": True,
        "headers": ["content-type"],
    }
    assert said == [("info", "hello", "mine"), (0.5, 1.0, "half")]


@pytest.mark.anyio
async def test_its_application_serves_it_and_its_routes_alone(mcp: FastMCP) -> None:
    @mcp.custom_route("/ping", methods=["GET"], name="ping")
    async def pong(request: Any) -> Any:
        from starlette.requests import Request
        from starlette.responses import PlainTextResponse

        return PlainTextResponse(f"{isinstance(request, Request)} {request.url.path}")

    application = mcp.streamable_http_app()
    called = await post(application, request("tools/call", {"name": "add", "arguments": {"a": 1}}))
    assert called.json["result"]["structuredContent"] == {"result": 3}
    ponged = await Call(application, method="GET", path="/ping", headers={"host": "testserver"}).finished()
    assert (ponged.status, ponged.body) == (200, b"True /ping")
    missing = await Call(application, method="GET", path="/admin/", headers={"host": "testserver"}).finished()
    assert missing.status == 404


def test_importing_the_names_loads_no_sdk() -> None:
    script = "import sys, mcp_django.fastmcp; print({'mcp', 'mcp_types', 'pydantic'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
