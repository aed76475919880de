"""How often one caller may call one component."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.cache import cache

from mcp_django import MCPServer
from mcp_django.auth import limits
from tests.auth.tokens import bearing, make_token, make_user
from tests.wire import Response, modern_request, post, request

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The time, which stands still: 40 seconds into a minute."""
    cache.clear()
    now = [1_800_000_000.0 - 1_800_000_000 % 60 + 40]
    monkeypatch.setattr(limits, "time", lambda: now[0])
    yield now
    cache.clear()


async def call(application: Any, name: str = "slow", token: str | None = None) -> Response:
    message, headers = modern_request("tools/call", {"name": name, "arguments": {}})
    return await post(bearing(application, token), message, headers=headers)


async def test_one_call_too_many_is_refused_until_the_window_ends(
    server: MCPServer, application: Any, now: list[float]
) -> None:
    server.add_tool(lambda: "", name="slow", throttle="2/m")
    assert [(await call(application)).status for _ in range(3)] == [200, 200, 429]
    refused = await call(application)
    assert refused.headers["retry-after"] == "20"
    text = "Tool 'slow' takes 2 calls in 60 seconds: try again in 20 seconds."
    assert refused.json["error"] == {"code": -32603, "message": text, "data": {"retryAfterSeconds": 20}}
    now[0] += 20
    assert (await call(application)).status == 200


async def test_each_component_is_counted_by_itself(server: MCPServer, application: Any) -> None:
    server.add_tool(lambda: "", name="slow", throttle="1/m")
    server.add_tool(lambda: "", name="other", throttle="1/m")
    server.add_tool(lambda: "", name="free")
    assert [(await call(application)).status for _ in range(2)] == [200, 429]
    assert (await call(application, "other")).status == 200
    assert [(await call(application, "free")).status for _ in range(3)] == [200] * 3


async def test_each_caller_is_counted_by_themselves(server: MCPServer, application: Any, settings: Any) -> None:
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "AUTH": "required"}
    server.add_tool(lambda: "", name="slow", throttle="1/m")

    def tokens() -> list[str]:
        ada, bob = make_user("ada"), make_user("bob")
        return [make_token(ada), make_token(ada), make_token(ada, client="other"), make_token(bob)]

    first, again, elsewhere, bobs = await sync_to_async(tokens)()
    assert (await call(application, token=first)).status == 200
    assert (await call(application, token=again)).status == 429  # a new token is no new caller
    assert (await call(application, token=elsewhere)).status == 200
    assert (await call(application, token=bobs)).status == 200


async def test_who_has_not_signed_in_is_told_apart_by_address(server: MCPServer, application: Any) -> None:
    server.add_tool(lambda: "", name="slow", throttle="1/m")

    async def elsewhere(scope: Any, receive: Any, send: Any) -> None:
        await application({**scope, "client": ("192.0.2.1", 1)}, receive, send)

    assert [(await call(each)).status for each in (application, elsewhere, application)] == [200, 200, 429]


async def test_behind_a_trusted_proxy_the_address_is_the_one_that_it_names(
    server: MCPServer, application: Any, settings: Any
) -> None:
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "OAUTH": {"TRUSTED_PROXIES": 1}}
    server.add_tool(lambda: "", name="slow", throttle="1/m")
    message, headers = modern_request("tools/call", {"name": "slow", "arguments": {}})

    async def call_from(forwarded: str) -> int:
        return (await post(application, message, headers={**headers, "x-forwarded-for": forwarded})).status

    sent = ["192.0.2.1", "192.0.2.2", "192.0.2.9, 192.0.2.1"]
    assert [await call_from(each) for each in sent] == [200, 200, 429]


async def test_a_server_s_rate_is_that_of_each_of_its_components(server: MCPServer, application: Any) -> None:
    server.throttle = "1/m"
    server.add_tool(lambda: "", name="slow")
    server.add_tool(lambda: "", name="quick", throttle="2/m")
    assert [(await call(application)).status for _ in range(2)] == [200, 429]
    assert [(await call(application, "quick")).status for _ in range(3)] == [200, 200, 429]


async def test_resources_and_prompts_are_counted_too_and_a_handshake_client_is_told_alike(
    server: MCPServer, application: Any
) -> None:
    server.add_resource("test://slow", lambda: "", name="slow", throttle="1/m")
    server.add_prompt(lambda: "", name="slow", throttle="1/m")
    for method, params in (("resources/read", {"uri": "test://slow"}), ("prompts/get", {"name": "slow"})):
        assert (await post(application, request(method, params))).status == 200
        refused = await post(application, request(method, params))
        assert (refused.status, refused.headers["retry-after"]) == (429, "20")


async def test_what_is_refused_is_not_counted(server: MCPServer, application: Any) -> None:
    server.add_tool(lambda: "", name="slow", throttle="1/m", check=lambda principal: bool(allowed))
    allowed: list[bool] = []
    for _ in range(3):
        assert (await call(application)).json["error"]["message"] == "Unknown tool: slow"
    allowed.append(True)
    assert (await call(application)).status == 200
