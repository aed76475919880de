"""docs/how-to/deploy.md."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Callable, Iterator

import pytest
from django.test import override_settings

from mcp_django import urls
from tests.docs.conftest import Load
from tests.views import post_to_view
from tests.wire import Call, post, request

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]


async def test_the_endpoints_stand_beside_consumers_of_the_project(load: Load, routed: Callable[[], None]) -> None:
    routed()
    example = load("docs.examples.channels_asgi")
    assert set(example.application.application_mapping) == {"http", "websocket", "lifespan"}
    answer = await post(example.application, request("ping"))
    assert (answer.status, answer.json["result"]) == (200, {})


async def test_all_else_goes_to_django(load: Load, routed: Callable[[], None]) -> None:
    routed()
    example = load("docs.examples.channels_asgi")
    page = Call(example.application, method="GET", path="/nothing-here", headers={"host": "testserver"})
    assert (await page.finished()).status == 404


async def test_what_is_loaded_is_kept_from_the_garbage_collector(load: Load, routed: Callable[[], None]) -> None:
    routed()
    before = gc.get_freeze_count()
    try:
        example = load("docs.examples.frozen_asgi")
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()
    assert (await post(example.application, request("ping"))).status == 200


@pytest.fixture
def fresh_urls() -> Iterator[None]:
    """Route to the servers of this test, and afterwards to those of the next."""
    importlib.reload(urls)
    yield
    importlib.reload(urls)


@pytest.mark.usefixtures("fresh_urls")
def test_the_endpoints_stand_in_a_urlconf(load: Load) -> None:
    example = load("docs.examples.wsgi_urls")
    with override_settings(ROOT_URLCONF=example):
        assert post_to_view(request("ping"), path="/mcp").json["result"] == {}
        assert post_to_view(b"", path="/admin/", method="GET").status == 302
