"""Who may call a route: the rules of components, and challenges of the endpoint."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.views.decorators.csrf import csrf_exempt
from starlette.requests import Request

from mcp_django import MCPServer
from mcp_django.auth import create_key, get_access_token
from tests.auth.tokens import METADATA, make_token, make_user
from tests.routes.conftest import Ask
from tests.views import in_the_urlconf

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]

CSRF = "django.middleware.csrf.CsrfViewMiddleware"


@pytest.fixture(autouse=True)
def _required(settings: Any) -> None:
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "AUTH": "required"}
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, CSRF]
    cache.clear()


async def token(scope: str = "mcp", name: str = "ada", **options: Any) -> dict[str, str]:
    """Return headers with a token."""
    made = await sync_to_async(lambda: make_token(make_user(name), scope, **options))()
    return {"Authorization": f"Bearer {made}"}


def who(request: HttpRequest) -> dict[str, Any]:
    access = get_access_token()
    return {
        "user": request.user.get_username(),
        "scopes": access.scopes if access else None,
        "kind": request.principal.kind,  # type: ignore[attr-defined]
    }


async def test_a_route_that_says_nothing_is_public_and_knows_who_brings_a_token(server: MCPServer, ask: Ask) -> None:
    server.custom_route("/who")(who)
    assert (await ask("GET", "/who")).json() == {"user": "", "scopes": None, "kind": "visitor"}
    known = await ask("GET", "/who", headers=await token())
    assert known.json() == {"user": "ada", "scopes": ["mcp"], "kind": "token"}
    foreign = await ask("GET", "/who", headers={"Authorization": "Bearer of-a-webhook"})
    assert foreign.json()["kind"] == "visitor"


async def test_who_brings_no_token_is_challenged_as_at_the_endpoint(server: MCPServer, ask: Ask) -> None:
    server.custom_route("/who", scopes=["read"])(who)
    refused = await ask("GET", "/who")
    assert refused.status_code == 401
    assert refused["WWW-Authenticate"] == f'Bearer scope="mcp read", resource_metadata="{METADATA}"'
    assert refused["Content-Type"] == "application/problem+json"
    bad = await ask("GET", "/who", headers={"Authorization": "Bearer wrong"})
    assert bad.status_code == 401
    assert 'error="invalid_token"' in bad["WWW-Authenticate"]


async def test_public_false_asks_for_a_token_and_nothing_else(server: MCPServer, ask: Ask) -> None:
    server.custom_route("/who", public=False)(who)
    assert (await ask("GET", "/who")).status_code == 401
    assert (await ask("GET", "/who", headers=await token())).json()["user"] == "ada"


async def test_a_missing_scope_is_a_challenge_that_names_it(server: MCPServer, ask: Ask) -> None:
    server.custom_route("/who", scopes=["read"])(who)
    refused = await ask("GET", "/who", headers=await token())
    assert refused.status_code == 403
    assert refused["WWW-Authenticate"].startswith('Bearer error="insufficient_scope", error_description=')
    assert 'scope="mcp read"' in refused["WWW-Authenticate"]
    assert (await ask("GET", "/who", headers=await token("read"))).status_code == 200


async def test_permissions_groups_staff_and_checks_are_asked_as_of_components(server: MCPServer, ask: Ask) -> None:
    server.custom_route("/permission", permissions=["auth.view_user"])(who)
    server.custom_route("/staff", staff=True)(who)
    server.custom_route("/group", groups="editors")(who)
    server.custom_route("/check", check=lambda principal: principal.user.username == "grace")(who)
    grace = await token(name="grace")
    user = await sync_to_async(make_user)("grace")
    for path in ("/permission", "/staff", "/group"):
        refused = await ask("GET", path, headers=grace)
        assert (refused.status_code, refused.has_header("WWW-Authenticate")) == (403, False), path
    user.is_staff = True
    await user.asave()
    await user.user_permissions.aadd(await Permission.objects.aget(codename="view_user"))
    await user.groups.acreate(name="editors")
    for path in ("/permission", "/staff", "/group", "/check"):
        assert (await ask("GET", path, headers=grace)).status_code == 200, path
    assert (await ask("GET", "/check", headers=await token())).status_code == 403


async def test_a_server_that_asks_for_something_asks_it_of_its_routes(server: MCPServer, ask: Ask) -> None:
    server.scopes = "read"
    server.custom_route("/closed")(who)
    server.custom_route("/open", public=True)(who)
    assert (await ask("GET", "/closed")).status_code == 401
    assert (await ask("GET", "/open")).status_code == 200


async def test_an_api_key_counts_as_well(server: MCPServer, ask: Ask) -> None:
    server.custom_route("/who", scopes="read")(who)
    key = await sync_to_async(lambda: create_key("key", make_user("ada"), ["read"]))()
    assert (await ask("GET", "/who", headers={"Authorization": f"Bearer {key}"})).json()["kind"] == "key"


def test_a_route_by_bearer_never_counts_a_cookie_and_needs_no_csrf_token(server: MCPServer, no_demo: None) -> None:
    server.custom_route("/who", methods=["GET", "POST"], public=False)(who)
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user("grace"))
    bearer = {"Authorization": f"Bearer {make_token(make_user('ada'))}"}
    with in_the_urlconf():
        assert client.get("/who").status_code == 401
        assert client.post("/who").status_code == 401
        assert client.post("/who", headers=bearer).json()["user"] == "ada"


def test_a_public_route_counts_a_cookie_and_is_protected_as_any_view(server: MCPServer, no_demo: None) -> None:
    server.custom_route("/who", methods=["GET", "POST"])(who)

    @server.custom_route("/hook", methods=["POST"])
    @csrf_exempt
    def hook(request: HttpRequest) -> str:
        return "ok"

    @server.custom_route("/ported", methods=["POST"])
    async def ported(request: Request) -> dict[str, Any]:
        return {"user": request.user.get_username()}

    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user("grace"))
    bearer = {"Authorization": f"Bearer {make_token(make_user('ada'))}"}
    with in_the_urlconf():
        assert client.get("/who").json()["user"] == "grace"
        assert client.post("/who").status_code == 403
        assert Client(enforce_csrf_checks=True).post("/who").status_code == 403
        client.cookies["csrftoken"] = "a" * 32
        assert client.post("/who", headers={"X-CSRFToken": "a" * 32}).json()["user"] == "grace"
        assert client.post("/who", headers=bearer).json()["user"] == "ada"
        assert client.post("/hook").content == b"ok"
        assert client.post("/ported").json() == {"user": ""}


def test_without_the_middleware_no_view_is_protected_nor_is_a_route(
    server: MCPServer, no_demo: None, settings: Any
) -> None:
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if each != CSRF]
    server.custom_route("/who", methods=["POST"])(who)
    with in_the_urlconf():
        assert Client(enforce_csrf_checks=True).post("/who").status_code == 200


async def test_calls_beyond_the_rate_are_told_when_to_come_again(server: MCPServer, ask: Ask) -> None:
    server.custom_route("/who", throttle="2/d")(who)
    ada = await token()
    statuses = [(await ask("GET", "/who", headers=ada)).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    refused = await ask("GET", "/who", headers=ada)
    assert 0 < int(refused["Retry-After"]) <= 86400
    assert (await ask("GET", "/who", headers=await token(name="grace"))).status_code == 200
    assert (await ask("GET", "/who")).status_code == 200


async def test_where_nobody_can_sign_in_a_public_route_works_and_one_with_scopes_refuses(
    server: MCPServer, ask: Ask, settings: Any
) -> None:
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "AUTH": "none"}
    server.custom_route("/open")(who)
    server.custom_route("/closed", scopes="read")(who)
    assert (await ask("GET", "/open")).json()["kind"] == "nobody"
    assert (await ask("GET", "/closed")).status_code == 403


async def test_a_host_that_is_not_allowed_is_refused_before_a_challenge_names_it(server: MCPServer, ask: Ask) -> None:
    server.custom_route("/who", public=False)(who)
    refused = await ask("GET", "/who", headers={"Host": "evil.example"})
    assert refused.status_code == 400
    assert not refused.has_header("WWW-Authenticate")


async def test_django_s_middleware_runs(server: MCPServer, ask: Ask) -> None:
    server.custom_route("/x")(lambda request: HttpResponse("ok"))
    response = await ask(
        "GET", "/x", settings={"MIDDLEWARE": ["django.middleware.clickjacking.XFrameOptionsMiddleware"]}
    )
    assert response["X-Frame-Options"] == "DENY"
