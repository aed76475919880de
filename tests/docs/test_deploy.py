"""docs/how-to/deploy.md."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.docs.conftest import Load
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
