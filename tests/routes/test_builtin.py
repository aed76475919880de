"""The routes that come with the package."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.urls import NoReverseMatch, reverse

from mcp_django import MCPServer
from mcp_django.routes import health
from tests.auth.tokens import make_token, make_user
from tests.routes.conftest import Ask
from tests.views import in_the_urlconf

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _on(limited: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(BUILTIN_ROUTES=True)
    monkeypatch.setattr(health, "_migrated", False)


def test_they_are_off_unless_a_setting_switches_them_on(limited: Any) -> None:
    limited(BUILTIN_ROUTES=False)
    with in_the_urlconf(), pytest.raises(NoReverseMatch):
        reverse("mcp:livez")


async def test_livez_asks_nothing_of_anything_else(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in health.CHECKS:
        monkeypatch.setitem(health.CHECKS, name, broken_async)
    response = await ask("GET", "/livez")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert response["Cache-Control"] == "no-store"


async def test_readyz_says_that_all_is_ready(ask: Ask) -> None:
    response = await ask("GET", "/readyz")
    assert (response.status_code, response.json()) == (
        200,
        {
            "status": "ready",
            "checks": {"database": "ok", "cache": "ok", "channel_layer": "ok", "migrations": "ok"},
        },
    )
    assert (await ask("HEAD", "/readyz")).status_code == 200


def broken(*args: Any) -> None:
    raise OSError("password of db.internal is hunter2")


async def broken_async(*args: Any) -> None:
    broken()


@pytest.mark.parametrize("name", ["database", "cache", "channel_layer", "migrations"])
async def test_readyz_names_what_is_not_ready_and_why_to_the_staff_alone(
    ask: Ask, limited: Any, monkeypatch: pytest.MonkeyPatch, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    limited(AUTH="optional")
    monkeypatch.setitem(health.CHECKS, name, broken_async)
    response = await ask("GET", "/readyz")
    assert response.status_code == 503
    assert [key for key, value in response.json()["checks"].items() if value != "ok"] == [name]
    assert b"hunter2" not in response.content
    assert f"Not ready: {name}." in [each.message for each in caplog.records if each.levelno == logging.ERROR]
    for staff in (False, True):
        user = f"staff-{staff}"
        made = await sync_to_async(make_user)(user, is_staff=staff)
        token = await sync_to_async(make_token)(made, resource=["http://testserver/mcp"])
        told = await ask("GET", "/readyz", headers={"Authorization": f"Bearer {token}"})
        assert (b"hunter2" in told.content) is staff


async def test_each_check_notices_what_it_is_for(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = []

    async def note(name: str) -> None:
        failed.append([key for key, value in (await ask("GET", "/readyz")).json()["checks"].items() if value != "ok"])

    with monkeypatch.context() as patched:
        patched.setattr(type(health.caches["default"]), "get", lambda *args, **options: None)
        await note("cache")
    with monkeypatch.context() as patched:
        patched.setattr("django.db.backends.utils.CursorWrapper.execute", broken)
        patched.setattr(health, "_migrated", True)
        await note("database")
    with monkeypatch.context() as patched:
        patched.setattr("channels.layers.InMemoryChannelLayer.send", broken_async)
        await note("channel_layer")
    with monkeypatch.context() as patched:
        patched.setattr("django.db.migrations.executor.MigrationExecutor.migration_plan", lambda *args: ["one"])
        patched.setattr(health, "_migrated", False)
        await note("migrations")
    assert failed == [["cache"], ["database"], ["channel_layer"], ["migrations"]]


async def test_a_project_without_a_channel_layer_is_ready(ask: Ask, settings: Any) -> None:
    settings.CHANNEL_LAYERS = {}
    assert (await ask("GET", "/readyz")).status_code == 200


async def test_server_info_tells_versions_and_numbers_to_who_signed_in(
    ask: Ask, server: MCPServer, limited: Any
) -> None:
    server.add_tool(lambda: None, "tool")
    limited(AUTH="required")
    token = await sync_to_async(lambda: make_token(make_user(), resource=["http://testserver/mcp"]))()

    async def told(**options: Any) -> Any:
        return (await ask("GET", "/server-info", **options)).json()["servers"][-1]

    assert await told() == {
        "name": "fixture",
        "url": "http://testserver/mcp/fixture",
        "auth": "required",
        "resource_metadata": "http://testserver/.well-known/oauth-protected-resource/mcp/fixture",
    }
    known = await told(headers={"Authorization": f"Bearer {token}"})
    assert (known["version"], known["components"]["tools"]) == ("1.0", 1)
    limited(AUTH="none")
    assert (await told())["version"] == "1.0"


async def test_transport_info_tells_where_and_how(ask: Ask, limited: Any) -> None:
    limited(SESSIONS=True, SSE=True)
    found = (await ask("GET", "/transport-info")).json()["servers"][-1]
    assert found["server"] == "fixture"
    streamable, *rest = found["transports"]
    assert streamable["url"] == "http://testserver/mcp/fixture"
    assert "2026-07-28" in streamable["revisions"]
    assert [each["type"] for each in rest] == (["sse"] if streamable["streams"] else [])
