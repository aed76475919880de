"""docs/how-to/tell-clients-of-changes.md."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels_redis.core import RedisChannelLayer
from django.db.models.signals import post_delete, post_save
from django.utils.module_loading import import_string

from mcp_django import MCPServer
from mcp_django.transports.streamable_http import StreamableHTTPConsumer
from tests.docs.conftest import Load
from tests.wire import JSON_HEADERS, Call, modern_request

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def example(load: Load) -> Iterator[ModuleType]:
    """The example, whose receivers go when the test is over."""
    before = [(signal, list(signal.receivers)) for signal in (post_save, post_delete)]
    yield load("docs.examples.changes")
    for signal, receivers in before:
        signal.receivers = receivers
        signal.sender_receivers_cache.clear()


class Listening:
    """A client of 2026-07-28 that listens to one resource."""

    def __init__(self, server: MCPServer, uri: str) -> None:
        body, headers = modern_request("subscriptions/listen", {"notifications": {"resourceSubscriptions": [uri]}})
        application = StreamableHTTPConsumer.as_asgi(server=server)
        self.call = Call(application, json.dumps(body).encode(), headers={**JSON_HEADERS, **headers})

    async def __aenter__(self) -> Listening:
        await self.heard("notifications/subscriptions/acknowledged")
        return self

    async def __aexit__(self, *error: object) -> None:
        self.call.disconnect()
        await self.call.finished()

    async def heard(self, method: str) -> dict[str, Any]:
        async with asyncio.timeout(10):
            while not (found := [each for each in self.call.response.events if each.get("method") == method]):
                await self.call.sent.get()
        return dict(found[0]["params"])


async def test_saving_a_row_tells_who_listens_to_its_resource(
    default_server: MCPServer, example: ModuleType, question: Any
) -> None:
    example.tie()
    uri = f"polls://questions/{question.pk}"
    choice = await question.choices.afirst()
    async with Listening(default_server, uri) as client:
        await choice.asave()
        assert (await client.heard("notifications/resources/updated"))["uri"] == uri


async def test_the_name_of_an_attribute_fills_the_uri(
    default_server: MCPServer, example: ModuleType, question: Any
) -> None:
    example.tie()
    uri = f"polls://questions/{question.pk}"
    async with Listening(default_server, uri) as client:
        await question.asave()
        assert (await client.heard("notifications/resources/updated"))["uri"] == uri


async def test_what_sends_no_signal_is_told_by_hand(
    default_server: MCPServer, example: ModuleType, question: Any
) -> None:
    uri = f"polls://questions/{question.pk}"
    async with Listening(default_server, uri) as client:
        await sync_to_async(example.reset_votes)(question.pk)
        assert (await client.heard("notifications/resources/updated"))["uri"] == uri


def test_the_channel_layer_that_is_shown_is_there(load: Load) -> None:
    layer = load("docs.examples.channel_layers").CHANNEL_LAYERS["default"]
    assert import_string(layer["BACKEND"])(**layer["CONFIG"]).hosts == RedisChannelLayer(**layer["CONFIG"]).hosts
