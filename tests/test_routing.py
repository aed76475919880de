from __future__ import annotations

import importlib
from typing import Any

import pytest
from channels.routing import URLRouter
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from mcp_django import MCPServer, mcp, routing
from mcp_django.exceptions import InvalidDeclaration
from mcp_django.registry import servers
from mcp_django.routing import endpoint, get_http_applications, get_http_urlpatterns
from tests.wire import Response, post, request

pytestmark = pytest.mark.anyio


async def names_at(path: str) -> list[str]:
    """Return the names of the tools that are listed at a path."""
    routes: list[Any] = [*get_http_urlpatterns()]
    response: Response = await post(URLRouter(routes), request("tools/list"), path=path)
    assert response.status == 200
    return [tool["name"] for tool in response.json["result"]["tools"]]


def declare(*paths: str) -> None:
    """Declare a server at each path, with a tool named after it."""
    for number, path in enumerate(paths):
        MCPServer(f"server{number}", path=path).add_tool(lambda: None, path.replace("/", "-"))


def test_an_endpoint_lies_below_the_prefix() -> None:
    assert endpoint(mcp) == "mcp"
    assert endpoint(MCPServer("Reports 2026".replace(" ", "-"))) == "mcp/reports-2026"
    with override_settings(MCP_DJANGO={"AUTH": "none", "PATH": "api/agents"}):
        assert endpoint(mcp) == "api/agents"
        assert endpoint(MCPServer("sales", path="team/sales")) == "api/agents/team/sales"


@pytest.mark.parametrize("slash", ["", "/"])
async def test_every_server_answers_at_its_own_endpoint_with_or_without_a_slash(slash: str) -> None:
    declare("one", "one/deeper", "two.v1")
    assert await names_at(f"/mcp/one{slash}") == ["one"]
    assert await names_at(f"/mcp/one/deeper{slash}") == ["one-deeper"]
    assert await names_at(f"/mcp/two.v1{slash}") == ["two.v1"]
    assert "one" not in await names_at(f"/mcp{slash}")


@pytest.mark.parametrize(
    "path", ["/", "/mc", "/mcpx", "/mcp/onex", "/mcp/none", "/x/mcp", "/mcp/twoxv1", "/mcp//", "/mcp/one//", "/mcp\n"]
)
async def test_no_other_path_is_taken(path: str) -> None:
    declare("one", "two.v1")
    with pytest.raises(ValueError, match="No route found"):
        await names_at(path)


@override_settings(MCP_DJANGO={"AUTH": "none", "PATH": "agents"})
async def test_the_prefix_is_a_setting() -> None:
    declare("one")
    assert await names_at("/agents/one") == ["one"]
    with pytest.raises(ValueError, match="No route found"):
        await names_at("/mcp/one")


def test_every_server_is_compiled_before_it_has_a_route(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[MCPServer] = []
    monkeypatch.setattr(routing, "get_engine", compiled.append)
    declare("one", "two")
    assert len(get_http_urlpatterns()) == len(compiled)
    assert compiled == list(servers())


@override_settings(MCP_DJANGO={"SSE": True})
def test_every_server_has_the_two_addresses_of_http_sse_when_they_are_switched_on() -> None:
    declare("one")
    found = {path for path in get_http_applications() if path.startswith("mcp/one") or path.count("/") == 1}
    assert found >= {"mcp/one", "mcp/one/sse", "mcp/one/messages", "mcp/sse", "mcp/messages"}
    assert "^mcp/one/messages/?$" in [str(pattern.pattern) for pattern in get_http_urlpatterns()]


def test_http_sse_is_not_there_unless_it_is_switched_on() -> None:
    declare("one")
    assert {path.rpartition("/")[2] for path in get_http_applications()}.isdisjoint({"sse", "messages"})


@override_settings(MCP_DJANGO={"SSE": True})
def test_a_server_that_wants_the_path_of_another_one_s_stream_stops_the_start() -> None:
    declare("one", "one/sse")
    with pytest.raises(ImproperlyConfigured, match="/mcp/one/sse: an MCP server, and the HTTP"):
        get_http_applications()


def test_importing_the_routes_refuses_what_can_t_be_served() -> None:
    reports = MCPServer("reports")

    @reports.tool
    def broken(what: SomethingUndefined) -> None:  # type: ignore[name-defined]  # noqa: F821
        """Have a parameter of a type that nobody knows."""

    with pytest.raises(InvalidDeclaration, match=r"broken.*tests\.test_routing"):
        importlib.reload(routing)


def test_the_routes_are_public() -> None:
    assert "^mcp/?$" in [str(pattern.pattern) for pattern in routing.http_urlpatterns]
