"""The page that says whether all is well."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from mcp_django.models import Worker
from mcp_django.routes import health
from tests.dashboard.conftest import SignIn
from tests.dashboard.html import assert_strict, assert_valid

pytestmark = pytest.mark.django_db

PAGE = "/admin/mcp_django/dashboard/health/"


def found(response: Any) -> dict[str, tuple[bool, str]]:
    return {str(each.name): (each.ok, each.text) for each in response.context["findings"]}


def test_all_that_readyz_looks_at_is_looked_at(sign_in: SignIn) -> None:
    response = sign_in("view_dashboard").get(PAGE)
    assert found(response) == dict.fromkeys(("Databases", "Caches", "Channel layer", "Migrations"), (True, "works"))
    assert_valid(response.content.decode())
    assert_strict(response.content.decode())


@pytest.mark.parametrize(
    ("what", "name", "told"),
    [
        ("channels.layers.InMemoryChannelLayer.send", "Channel layer", "The channel layer doesn't hand a message back"),
        ("django.core.cache.backends.locmem.LocMemCache.set", "Caches", "The cache 'default' doesn't answer"),
    ],
)
def test_what_fails_is_named_without_what_its_driver_said(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, what: str, name: str, told: str
) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise ConnectionError("redis://:hunter2@elsewhere refused")

    client = sign_in("view_dashboard")
    monkeypatch.setattr(what, broken)
    response = client.get(PAGE)
    assert [each for each, (ok, _) in found(response).items() if not ok] == [name]
    assert found(response)[name][1] == f"{told} (ConnectionError)."
    assert b"hunter2" not in response.content


def test_a_check_that_breaks_in_a_way_of_its_own_is_told_by_the_class_of_its_error(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> None:
        raise ConnectionError("hunter2")

    monkeypatch.setitem(health.CHECKS, "database", broken)
    response = sign_in("view_dashboard").get(PAGE)
    assert found(response)["Databases"] == (False, "ConnectionError")


def test_the_workers_are_named(sign_in: SignIn) -> None:
    now = timezone.now()
    Worker.objects.create(id="w", host="ulm", pid=4711, started=now, seen=now, streams=3, dropped=1234)
    page = sign_in("view_dashboard").get(PAGE).content.decode()
    for fact in ("ulm", "process 4711", "1,234"):
        assert fact in page


def test_without_any_worker_it_says_how_one_comes_to_be_named(sign_in: SignIn) -> None:
    assert "None has said so in this minute" in sign_in("view_dashboard").get(PAGE).content.decode()
