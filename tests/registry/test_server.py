"""``MCPServer``: what may be declared on it, and how it says no."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mcp_django import MCPServer, mcp
from mcp_django.exceptions import AlreadyRegistered, InvalidDeclaration
from mcp_django.registry import ResourceDeclaration, RouteDeclaration, ToolDeclaration, servers


def names(server: MCPServer, kind: Any) -> list[str]:
    return [each.name for each in server.declarations(kind)]


def vote() -> None: ...


# Servers


def test_the_default_server_comes_first_and_needs_no_name() -> None:
    reports = MCPServer("reports")
    assert servers()[0] is mcp
    assert servers()[-1] is reports
    assert (mcp.name, mcp.path) == ("", "")


@pytest.mark.parametrize(
    ("name", "path", "expected"),
    [
        ("reports", None, "reports"),
        ("Sales_Reports.2", None, "sales_reports2"),
        ("reports", "finance/reports", "finance/reports"),
    ],
)
def test_the_path_of_a_server_is_the_slug_of_its_name_unless_given(name: str, path: str | None, expected: str) -> None:
    assert MCPServer(name, path=path).path == expected


@pytest.mark.parametrize("name", ["sales reports", "ü", "a/b", "x" * 129])
def test_a_server_name_of_other_characters_is_refused(name: str) -> None:
    with pytest.raises(InvalidDeclaration, match="can't be a server's name: 1 to 128 letters"):
        MCPServer(name, path="reports")


@pytest.mark.parametrize("path", ["/reports", "reports/", "a//b", "a b", "a?b", "{x}", "a\n"])
def test_a_server_path_of_other_characters_is_refused(path: str) -> None:
    with pytest.raises(InvalidDeclaration, match="can't be a server's path"):
        MCPServer("reports", path=path)


def test_a_server_that_is_refused_is_not_registered() -> None:
    before = servers()
    with pytest.raises(InvalidDeclaration):
        MCPServer("reports", path="/reports")
    assert servers() == before


def test_two_servers_at_one_path_are_an_error_that_names_both_modules() -> None:
    MCPServer("reports")
    with pytest.raises(AlreadyRegistered) as refused:
        exec("MCPServer('Reports')", {"__name__": "shop.mcp", "MCPServer": MCPServer})
    assert str(refused.value) == f"An MCP server at 'reports' is declared in {__name__} and in shop.mcp."


def test_no_server_takes_the_place_of_the_default_one() -> None:
    with pytest.raises(AlreadyRegistered, match="An MCP server at ''"):
        MCPServer("", path="")
    with pytest.raises(InvalidDeclaration, match="'' can't be a server's path"):
        MCPServer("other", path="")


@pytest.mark.parametrize("name", ["sse", "messages"])
def test_no_server_takes_the_paths_of_the_older_transport(name: str) -> None:
    with pytest.raises(InvalidDeclaration, match="can't be a server's path"):
        MCPServer(name)


def test_a_name_without_a_slug_needs_a_path_of_its_own() -> None:
    with pytest.raises(InvalidDeclaration, match="'' can't be a server's path"):
        MCPServer("...")
    assert MCPServer("...", path="dots").path == "dots"


def test_a_server_shows_its_name_and_path() -> None:
    assert repr(mcp) == "<MCPServer 'default' at '/'>"
    assert repr(MCPServer("reports")) == "<MCPServer 'reports' at 'reports'>"


def test_a_server_keeps_what_it_is_told_to_say_of_itself() -> None:
    server = MCPServer(
        "reports",
        title="Reports",
        description="Numbers.",
        instructions="Ask.",
        version="2.1",
        website_url="https://reports.test",
        icons=["https://reports.test/icon.png"],
    )
    assert (server.title, server.description, server.instructions) == ("Reports", "Numbers.", "Ask.")
    assert (server.version, server.website_url) == ("2.1", "https://reports.test")
    assert server.icons == ("https://reports.test/icon.png",)


# Decorators


def test_a_tool_is_declared_bare_called_or_with_a_name(server: MCPServer) -> None:
    @server.tool
    def bare() -> None: ...

    @server.tool()
    def called() -> None: ...

    @server.tool("positional")
    def one() -> None: ...

    @server.tool(name="keyword", destructive=True, timeout=30)
    def two() -> None: ...

    assert names(server, "tool") == ["bare", "called", "positional", "keyword"]
    last = server.declarations("tool")[-1]
    assert isinstance(last, ToolDeclaration)
    assert (last.destructive, last.timeout, last.fn) == (True, 30, two)


def test_a_prompt_is_declared_bare_called_or_with_a_name(server: MCPServer) -> None:
    @server.prompt
    def bare() -> str:
        return ""

    @server.prompt()
    def called() -> str:
        return ""

    @server.prompt("positional", title="One")
    def one() -> str:
        return ""

    assert names(server, "prompt") == ["bare", "called", "positional"]
    assert server.declarations("prompt")[-1].title == "One"


@pytest.mark.parametrize(
    "decorate", [lambda s: s.tool, lambda s: s.tool(), lambda s: s.prompt, lambda s: s.prompt("x")]
)
def test_a_decorator_gives_back_the_function_as_it_was(
    server: MCPServer, decorate: Callable[[MCPServer], Callable[[Any], Any]]
) -> None:
    assert decorate(server)(vote) is vote


def test_a_resource_takes_its_uri_and_its_options(server: MCPServer) -> None:
    @server.resource("polls://latest", mime_type="text/plain", name="latest", size=3)
    def newest() -> str:
        return "one"

    (declaration,) = server.declarations("resource")
    assert isinstance(declaration, ResourceDeclaration)
    assert (declaration.name, declaration.key, declaration.fn) == ("latest", "polls://latest", newest)
    assert (declaration.mime_type, declaration.size) == ("text/plain", 3)


def test_a_resource_without_its_uri_is_told_how_to_write_it(server: MCPServer) -> None:
    wrong: Any = vote
    with pytest.raises(InvalidDeclaration, match=r"write @mcp\.resource\('polls://latest'\)"):
        server.resource(wrong)


@pytest.mark.parametrize("uri", ["latest", "", "/latest", "{poll_id}", "://latest"])
def test_a_resource_uri_needs_a_scheme(server: MCPServer, uri: str) -> None:
    with pytest.raises(InvalidDeclaration, match="needs a URI with a scheme"):
        server.add_resource(uri, vote)


@pytest.mark.parametrize("uri", ["polls://latest", "urn:isbn:0451450523", "tag:polls.test,2026:latest"])
def test_any_scheme_will_do(server: MCPServer, uri: str) -> None:
    server.add_resource(uri, vote)
    assert [each.key for each in server.declarations("resource")] == [uri]


def test_a_completion_belongs_to_an_argument_of_a_prompt_or_of_a_resource_or_to_all(server: MCPServer) -> None:
    @server.completion(prompt="summarise", argument="poll_id")
    def of_prompt(typed: str) -> list[str]:
        return []

    @server.completion(resource="polls://{poll_id}", argument="poll_id")
    def of_resource(typed: str) -> list[str]:
        return []

    @server.completion
    def of_all(ref: Any, argument: Any, context: Any) -> None: ...

    assert [each.key for each in server.declarations("completion")] == [
        "prompt summarise argument poll_id",
        "resource polls://{poll_id} argument poll_id",
        "*",
    ]


def test_a_completion_is_also_declared_for_all_by_a_call(server: MCPServer) -> None:
    @server.completion()
    def of_all(ref: Any, argument: Any, context: Any) -> None: ...

    assert [each.key for each in server.declarations("completion")] == ["*"]


@pytest.mark.parametrize(
    "options",
    [
        {"argument": "poll_id"},
        {"prompt": "summarise"},
        {"resource": "polls://{poll_id}"},
        {"prompt": "summarise", "resource": "polls://{poll_id}", "argument": "poll_id"},
    ],
)
def test_a_completion_of_half_an_argument_is_refused(server: MCPServer, options: dict[str, str]) -> None:
    with pytest.raises(InvalidDeclaration, match="an argument and either a prompt or a resource, or nothing"):
        server.completion(**options)


def test_a_custom_route_is_recorded(server: MCPServer) -> None:
    @server.custom_route("/health", methods=["post", "GET"], name="health", include_in_schema=False)
    def health(request: Any) -> None: ...

    @server.custom_route("/ready")
    def ready(request: Any) -> None: ...

    first, second = server.declarations("route")
    assert isinstance(first, RouteDeclaration)
    assert isinstance(second, RouteDeclaration)
    assert (first.name, first.path, first.methods, first.include_in_schema) == (
        "health",
        "/health",
        ("GET", "POST"),
        False,
    )
    assert (second.name, second.path, second.methods, second.include_in_schema) == ("ready", "/ready", ("GET",), True)


def test_a_custom_route_begins_with_a_slash(server: MCPServer) -> None:
    with pytest.raises(InvalidDeclaration, match="begins with a slash: 'health' doesn't"):
        server.custom_route("health")


# Duplicates


def declared_in(module: str, server: MCPServer, source: str) -> None:
    """Run a declaration as if it stood in the module."""
    exec(source, {"__name__": module, "server": server})


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("@server.tool\ndef vote(): ...", "tool 'vote'"),
        ("@server.prompt\ndef vote(): ...", "prompt 'vote'"),
        ("@server.resource('polls://1')\ndef vote(): ...", "resource 'polls://1'"),
        ("@server.completion\ndef vote(ref, argument, context): ...", "completion '*'"),
        ("@server.custom_route('/vote')\ndef vote(request): ...", "route 'GET /vote'"),
    ],
)
def test_two_components_of_one_name_are_an_error_that_names_both_modules(
    server: MCPServer, source: str, what: str
) -> None:
    declared_in("polls.mcp", server, source)
    with pytest.raises(AlreadyRegistered) as refused:
        declared_in("shop.mcp", server, source)
    assert str(refused.value) == f"{what} is declared in polls.mcp and again in shop.mcp."
    assert len(server.declarations("tool")) <= 1


def test_a_tool_and_a_prompt_may_share_a_name(server: MCPServer) -> None:
    server.add_tool(vote)
    server.add_prompt(vote)
    assert names(server, "tool") == names(server, "prompt") == ["vote"]


def test_one_path_may_have_a_route_for_each_method(server: MCPServer) -> None:
    server.custom_route("/vote", methods=["GET"])(vote)
    server.custom_route("/vote", methods=["POST"])(vote)
    assert [each.key for each in server.declarations("route")] == ["GET /vote", "POST /vote"]


def test_two_servers_may_have_components_of_one_name(server: MCPServer) -> None:
    other = MCPServer("other")
    server.add_tool(vote)
    other.add_tool(vote)
    assert names(server, "tool") == names(other, "tool")
