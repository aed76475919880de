"""Getting to know each other: ``initialize``, ``server/discover``, ``ping`` and ``logging/setLevel``."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, LATEST_HANDSHAKE_VERSION

from mcp_django import MCPServer, mcp
from mcp_django.engine.exchange import Exchange, NoWay
from mcp_django.engine.lifecycle import capabilities, initialize, set_level
from mcp_django.engine.server import get_engine
from mcp_django.sessions.connection import Connection
from mcp_django.transports.streamable_http import StreamableHTTPConsumer
from tests.wire import modern_request, post, request

pytestmark = pytest.mark.anyio

CLIENT = {"name": "editor", "version": "2.0"}


class Silence:
    """A way back to a client that hears nothing."""

    async def notify(self, method: str, params: dict[str, Any]) -> None:
        """Send nothing."""

    async def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        raise NoWay


def hello(version: str = LATEST_HANDSHAKE_VERSION, **capabilities: Any) -> dict[str, Any]:
    return {"protocolVersion": version, "capabilities": capabilities, "clientInfo": CLIENT}


async def legacy(application: Any, method: str, params: dict[str, Any]) -> Any:
    return (await post(application, request(method, params))).json


async def discover(application: Any) -> Any:
    message, headers = modern_request("server/discover")
    return (await post(application, message, headers=headers)).json["result"]


@pytest.mark.parametrize("version", HANDSHAKE_PROTOCOL_VERSIONS)
async def test_a_handshake_settles_on_the_revision_that_the_client_speaks(application: Any, version: str) -> None:
    result = (await legacy(application, "initialize", hello(version)))["result"]
    assert result["protocolVersion"] == version
    assert result["serverInfo"] == {"name": "fixture", "version": "1.0"}


@pytest.mark.parametrize("version", ["1999-01-01", "2026-07-28", "x"])
async def test_a_handshake_in_an_unknown_revision_settles_on_our_newest(application: Any, version: str) -> None:
    result = (await legacy(application, "initialize", hello(version)))["result"]
    assert result["protocolVersion"] == LATEST_HANDSHAKE_VERSION


async def test_a_handshake_without_what_it_needs_is_invalid_params(application: Any) -> None:
    error = (await legacy(application, "initialize", {"capabilities": {}}))["error"]
    assert error["code"] == -32602
    assert "protocolVersion" in error["message"]


def offered(*, heard: bool) -> dict[str, Any]:
    """Return the capabilities of a server without completions, whose changes a client hears of or not."""
    return {
        "tools": {"listChanged": heard},
        "resources": {"subscribe": heard, "listChanged": heard},
        "prompts": {"listChanged": heard},
    }


async def test_a_client_without_a_session_hears_of_no_changes(application: Any) -> None:
    handshake = (await legacy(application, "initialize", hello()))["result"]
    assert handshake["capabilities"] == {**offered(heard=False), "logging": {}}


async def test_a_client_of_2026_07_28_needs_no_session_to_hear_of_changes(application: Any) -> None:
    assert (await discover(application))["capabilities"] == offered(heard=True)


@pytest.mark.parametrize(
    ("transport", "sessions", "heard"),
    [("stdio", False, True), ("streamable-http", True, True), ("streamable-http", False, False)],
)
def test_a_handshake_client_hears_of_changes_over_stdio_or_in_a_session(
    server: MCPServer, transport: Any, sessions: bool, heard: bool
) -> None:
    with override_settings(MCP_DJANGO={**settings.MCP_DJANGO, "SESSIONS": sessions}):
        exchange = replace(exchange_of(server, "initialize", hello(), None), transport=transport)
        assert capabilities(replace(exchange, channel=Silence())) == offered(heard=heard)
        assert capabilities(exchange) == offered(heard=False)


@pytest.mark.parametrize("bare", [True, False])
async def test_completions_are_a_capability_once_there_are_any(server: MCPServer, application: Any, bare: bool) -> None:
    if bare:
        server.completion(lambda ref, argument, context: None)
    else:
        server.add_prompt(lambda tone: tone, "letter", complete={"tone": ["warm"]})
    handshake = (await legacy(application, "initialize", hello()))["result"]
    assert handshake["capabilities"]["completions"] == {}
    assert (await discover(application))["capabilities"]["completions"] == {}


async def test_discovery_names_the_revisions_without_a_handshake_and_the_server(application: Any) -> None:
    result = await discover(application)
    assert result["supportedVersions"] == ["2026-07-28"]
    assert result["_meta"]["io.modelcontextprotocol/serverInfo"] == {"name": "fixture", "version": "1.0"}
    assert (result["ttlMs"], result["cacheScope"], result["resultType"]) == (0, "private", "complete")
    assert "instructions" not in result


async def test_discovery_may_be_kept_as_long_as_lists(application: Any) -> None:
    with override_settings(MCP_DJANGO={**settings.MCP_DJANGO, "LIST_CACHE_SECONDS": 60}):
        assert (await discover(application))["ttlMs"] == 60_000


async def test_a_server_says_what_it_is_and_how_to_use_it() -> None:
    server = MCPServer(
        "reports",
        title="Reports",
        description="Numbers.",
        instructions="Ask for a month.",
        version="2.1",
        website_url="https://reports.test",
        icons=["https://reports.test/icon.png", {"src": "b.svg", "mimeType": "image/svg+xml", "sizes": ["any"]}],
    )
    application = StreamableHTTPConsumer.as_asgi(server=server)
    expected = {
        "name": "reports",
        "version": "2.1",
        "title": "Reports",
        "description": "Numbers.",
        "websiteUrl": "https://reports.test",
        "icons": [
            {"src": "https://reports.test/icon.png"},
            {"src": "b.svg", "mimeType": "image/svg+xml", "sizes": ["any"]},
        ],
    }
    handshake = (await legacy(application, "initialize", hello()))["result"]
    modern = await discover(application)
    assert handshake["serverInfo"] == modern["_meta"]["io.modelcontextprotocol/serverInfo"] == expected
    assert handshake["instructions"] == modern["instructions"] == "Ask for a month."


DESCRIBED = {
    "NAME": "polls",
    "TITLE": "Polls",
    "DESCRIPTION": "Questions.",
    "VERSION": "3.0",
    "INSTRUCTIONS": "Vote once.",
    "WEBSITE_URL": "https://polls.test",
}


async def test_the_settings_describe_the_default_server_and_no_other(server: MCPServer) -> None:
    with override_settings(MCP_DJANGO=DESCRIBED):
        default, other = get_engine(mcp), get_engine(MCPServer("other"))
        assert default.server_info == {
            "name": "polls",
            "version": "3.0",
            "title": "Polls",
            "description": "Questions.",
            "websiteUrl": "https://polls.test",
        }
        assert default.instructions() == "Vote once."
        assert other.server_info == {"name": "other", "version": ""}
        assert other.instructions() == ""


async def test_the_default_server_is_called_like_the_project_unless_the_settings_name_it() -> None:
    with override_settings(MCP_DJANGO={"AUTH": "none"}, ROOT_URLCONF="shop.urls"):
        assert get_engine(mcp).server_info["name"] == "shop"


# ping and logging


async def test_a_handshake_client_s_ping_is_answered_with_nothing_at_all(application: Any) -> None:
    assert (await legacy(application, "ping", {}))["result"] == {}


@pytest.mark.parametrize("level", ["debug", "emergency"])
async def test_a_log_level_is_taken(application: Any, level: str) -> None:
    assert (await legacy(application, "logging/setLevel", {"level": level}))["result"] == {}


async def test_a_log_level_that_there_is_not_is_invalid_params(application: Any) -> None:
    assert (await legacy(application, "logging/setLevel", {"level": "loud"}))["error"]["code"] == -32602


@pytest.mark.parametrize("method", ["initialize", "ping", "logging/setLevel"])
async def test_what_belongs_to_the_handshake_is_unknown_to_2026_07_28(application: Any, method: str) -> None:
    params = hello() if method == "initialize" else {"level": "debug"} if "level" in method.lower() else {}
    message, headers = modern_request(method, params)
    response = await post(application, message, headers=headers)
    assert (response.status, response.json["error"]["code"]) == (404, -32601)


def exchange_of(server: MCPServer, method: str, params: dict[str, Any], connection: Connection | None) -> Exchange:
    return Exchange(
        engine=get_engine(server),
        method=method,
        params=params,
        request_id=1,
        version=LATEST_HANDSHAKE_VERSION,
        transport="stdio",
        connection=connection,
    )


async def test_a_connection_remembers_what_the_client_said(server: MCPServer) -> None:
    connection = Connection(version="")
    await initialize(exchange_of(server, "initialize", hello("2025-06-18", sampling={}), connection))
    await set_level(exchange_of(server, "logging/setLevel", {"level": "error"}, connection))
    assert connection == Connection(
        version="2025-06-18", client_info=CLIENT, client_capabilities={"sampling": {}}, log_level="error"
    )


async def test_without_a_connection_there_is_nothing_to_remember_and_nothing_fails(server: MCPServer) -> None:
    assert await set_level(exchange_of(server, "logging/setLevel", {"level": "error"}, None)) == b"{}"
    found = await initialize(exchange_of(server, "initialize", hello("2025-06-18"), None))
    assert json.loads(found)["protocolVersion"] == "2025-06-18"
