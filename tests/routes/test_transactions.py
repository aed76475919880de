"""``ATOMIC_REQUESTS`` and ``LoginRequiredMiddleware``, which Django applies to views: routes are views."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection, connections, transaction
from django.http import HttpRequest

from mcp_django import MCPServer
from tests.routes.conftest import Ask

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def _atomic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)


def add_then_fail(request: HttpRequest) -> None:
    Group.objects.create(name="lost")
    raise ValueError("after the work")


async def add_then_fail_async(request: HttpRequest) -> None:
    await Group.objects.acreate(name="lost")
    raise ValueError("after the work")


@pytest.mark.usefixtures("_atomic")
@pytest.mark.parametrize("fn", [add_then_fail, add_then_fail_async])
async def test_what_a_failed_request_did_is_rolled_back(server: MCPServer, ask: Ask, fn: Any) -> None:
    server.custom_route("/x")(fn)
    assert (await ask("GET", "/x")).status_code == 500
    assert not await Group.objects.filter(name="lost").aexists()


@pytest.mark.usefixtures("_atomic")
async def test_what_a_request_did_is_kept_and_a_function_may_stay_out_of_it(server: MCPServer, ask: Ask) -> None:
    @server.custom_route("/kept")
    def kept(request: HttpRequest) -> bool:
        Group.objects.create(name="kept")
        return connection.in_atomic_block

    @server.custom_route("/outside")
    @transaction.non_atomic_requests
    def outside(request: HttpRequest) -> bool:
        return connection.in_atomic_block

    assert (await ask("GET", "/kept")).json() is True
    assert await Group.objects.filter(name="kept").aexists()
    assert (await ask("GET", "/outside")).json() is False


async def test_a_site_behind_a_login_leaves_out_routes_that_say_who_may_call_them(server: MCPServer, ask: Ask) -> None:
    server.custom_route("/silent")(lambda request: "x")
    server.custom_route("/open", public=True)(lambda request: "x")
    server.custom_route("/closed", public=False)(lambda request: "x")
    middleware = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]

    async def status(path: str) -> int:
        behind = {"MIDDLEWARE": middleware, "MCP_DJANGO": {"AUTH": "required"}, "LOGIN_URL": "/login/"}
        return int((await ask("GET", path, settings=behind)).status_code)

    assert [await status(path) for path in ("/silent", "/open", "/closed")] == [302, 200, 401]
