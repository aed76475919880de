"""``subscriptions/listen``, whose answer is a stream that goes on: how it begins, and that it ends with its client."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.bad_input import SECONDS, start
from tests.differential.corpus import MODERN, Form
from tests.differential.sides import Sides

pytestmark = pytest.mark.anyio

WANTED: tuple[dict[str, Any], ...] = (
    {},
    {"toolsListChanged": True},
    {"toolsListChanged": True, "promptsListChanged": True, "resourcesListChanged": True},
    {"toolsListChanged": False},
    {"resourceSubscriptions": ["static://text", "static://nope"]},
    {"resourceSubscriptions": []},
    {"nope": True},
)


@pytest.mark.parametrize("wanted", WANTED, ids=repr)
async def test_both_servers_acknowledge_the_same(sides: Sides, wanted: dict[str, Any]) -> None:
    ours, theirs = [await _acknowledged(each, wanted) for each in (sides.ours, sides.theirs)]
    assert ours == theirs


async def _acknowledged(application: Any, wanted: dict[str, Any]) -> list[Any]:
    call = start(application, Form(MODERN).request("subscriptions/listen", {"notifications": wanted}))
    async with asyncio.timeout(SECONDS):
        while not call.response.events:
            await call.sent.get()
        call.disconnect()
        await call.task
    return [call.response.status, call.response.headers["content-type"].partition(";")[0], *call.response.events]
