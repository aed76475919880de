"""Routes that are switched off look like what isn't there."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.http import HttpRequest, JsonResponse

from mcp_django import MCPServer
from mcp_django.engine import switches as engine_switches
from mcp_django.models import ComponentSwitch
from mcp_django.routes import switches
from tests.routes.conftest import Ask

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _routes(server: MCPServer, limited: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(BUILTIN_ROUTES=True, AUTH="none")
    monkeypatch.setattr(MCPServer, "unread", True)
    monkeypatch.setattr(MCPServer, "read_at", float("-inf"))
    monkeypatch.setattr(switches, "WSGI_SECONDS", 0)
    monkeypatch.setattr(engine_switches, "_failing", set())

    @server.custom_route("/users", methods=["GET"])
    def users(request: HttpRequest) -> JsonResponse:
        return JsonResponse({"users": []})

    @server.custom_route("/users", methods=["POST"])
    async def create(request: HttpRequest) -> JsonResponse:
        return JsonResponse({"user": 1})

    server.custom_route("/export")(lambda request: "exported")


async def test_a_path_whose_routes_are_all_off_is_not_found_like_one_that_was_never_there(
    ask: Ask, server: MCPServer
) -> None:
    assert (await ask("GET", "/export")).status_code == 200
    unknown = await ask("GET", "/exporting")
    await server.adisable("route", "GET /export")
    for method in ("GET", "HEAD", "POST", "OPTIONS"):
        gone = await ask(method, "/export")
        assert gone.status_code == 404
        assert gone.headers == (await ask(method, "/exporting")).headers
        if method != "HEAD":
            assert gone.content.replace(b"/export", b"") == unknown.content.replace(b"/exporting", b"")
    await server.aenable("route", "GET /export")
    assert (await ask("GET", "/export")).status_code == 200


async def test_the_other_methods_of_a_path_stay(ask: Ask, server: MCPServer) -> None:
    await server.adisable("route", "GET /users")
    assert (await ask("POST", "/users")).json() == {"user": 1}
    for method in ("GET", "HEAD"):
        refused = await ask(method, "/users")
        assert (refused.status_code, refused["Allow"]) == (405, "OPTIONS, POST")
    assert (await ask("OPTIONS", "/users"))["Allow"] == "OPTIONS, POST"


async def test_what_another_process_has_switched_off_is_heeded(ask: Ask, server: MCPServer) -> None:
    assert (await ask("GET", "/export")).status_code == 200
    await ComponentSwitch.objects.acreate(server="fixture", kind="route", key="GET /export")
    server.mark_unread()  # as the hub does, where one listens
    assert (await ask("GET", "/export")).status_code == 404


async def test_under_wsgi_the_rows_are_read_again_after_a_moment(server: MCPServer, no_demo: None) -> None:
    from tests.routes.conftest import _ask_wsgi
    from tests.views import in_the_urlconf

    with in_the_urlconf():
        assert (await sync_to_async(_ask_wsgi)("GET", "/export", b"", {})).status_code == 200
        await ComponentSwitch.objects.acreate(server="fixture", kind="route", key="GET /export")
        assert (await sync_to_async(_ask_wsgi)("GET", "/export", b"", {})).status_code == 404


async def test_a_database_that_can_not_be_read_leaves_things_as_they_were(
    ask: Ask, server: MCPServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("no database")

    await server.adisable("route", "GET /export")
    monkeypatch.setattr(server, "read_switches", fail)
    server.mark_unread()
    assert (await ask("GET", "/export")).status_code == 404
    assert (await ask("POST", "/users")).status_code == 200
    assert "Which components are switched off can't be read" in caplog.text


async def test_the_openapi_document_leaves_it_out(ask: Ask, server: MCPServer) -> None:
    assert set((await ask("GET", "/openapi.json")).json()["paths"]) == {"/users", "/export"}
    await server.adisable("route", "GET /export")
    await server.adisable("route", "GET /users")
    assert {path: set(methods) for path, methods in (await ask("GET", "/openapi.json")).json()["paths"].items()} == {
        "/users": {"post"}
    }
    assert "/export" not in (await ask("GET", "/openapi")).content.decode()


async def test_what_comes_with_the_package_asks_nothing_of_the_database(
    ask: Ask, server: MCPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr(MCPServer, "read_switches", fail)
    assert (await ask("GET", "/livez")).json() == {"status": "ok"}
