"""Pages of other origins as clients."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wire import JSON_HEADERS, Call, Response, post, request

pytestmark = pytest.mark.anyio

PAGE = "https://inspector.example"


@pytest.fixture
def allowed(settings: Any) -> None:
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "AUTH": "required", "OAUTH": {"ALLOWED_ORIGINS": [PAGE]}}


async def preflight(application: Any, **headers: str) -> Response:
    asked = {
        **JSON_HEADERS,
        "origin": PAGE,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, mcp-protocol-version,Mcp-Param-City, x-evil, cookie",
        **headers,
    }
    return await Call(application, method="OPTIONS", headers=asked).finished()


async def test_a_page_that_is_named_may_ask_before_it_sends(application: Any, allowed: None) -> None:
    response = await preflight(application)
    assert response.status == 204
    assert response.headers["access-control-allow-origin"] == PAGE
    assert response.headers["access-control-allow-methods"] == "GET, POST, DELETE"
    assert response.headers["access-control-allow-headers"] == "authorization, mcp-protocol-version, mcp-param-city"
    assert response.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in response.headers


async def test_such_a_page_can_read_where_to_sign_in(application: Any, allowed: None) -> None:
    response = await post(application, request("ping"), headers={"origin": PAGE})
    assert response.status == 401
    assert response.headers["access-control-allow-origin"] == PAGE
    assert "WWW-Authenticate" in response.headers["access-control-expose-headers"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", PAGE + ".evil.example"])
async def test_no_other_page_may(application: Any, allowed: None, origin: str) -> None:
    for response in (
        await preflight(application, origin=origin),
        await post(application, request("ping"), headers={"origin": origin}),
    ):
        assert response.status == 403
        assert "access-control-allow-origin" not in response.headers


async def test_who_is_no_page_is_told_nothing_of_it(application: Any, allowed: None) -> None:
    response = await post(application, request("ping"))
    assert response.status == 401
    assert "access-control-allow-origin" not in response.headers


async def test_without_the_setting_no_page_may_ask(application: Any) -> None:
    assert (await preflight(application)).status == 403
    assert (await preflight(application, origin="http://testserver")).status == 405


@pytest.mark.parametrize(("auth", "status"), [("required", 401), ("none", 403)])
async def test_every_page_may_only_where_each_has_to_sign_in(
    application: Any, settings: Any, auth: str, status: int
) -> None:
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "AUTH": auth, "OAUTH": {"ALLOWED_ORIGINS": ["*"]}}
    assert (await post(application, request("ping"), headers={"origin": PAGE})).status == status
