"""Telling all who listen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from threading import Thread
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer

from mcp_django.routes import ServerSentEvent, broadcast, broadcasts, subscribe
from mcp_django.sessions import layer as layers
from mcp_django.sessions.hub import Hub, close_hub, get_hub
from tests.routes.wire import SECONDS

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def _own_hub() -> AsyncIterator[None]:
    yield
    await close_hub()


async def take(events: Any, number: int) -> list[Any]:
    """Return the data of the next events."""
    async with asyncio.timeout(SECONDS):
        return [(await anext(events)).data for _ in range(number)]


async def test_all_who_listen_are_told_in_order_and_nobody_else() -> None:
    async with subscribe("news") as one, subscribe("news") as two, subscribe("sport") as other:
        broadcast("news", {"n": 1})
        broadcast("news", "text")
        broadcast("news", "text")  # the same once more is one more
        broadcast("sport", "goal")
        assert await take(one, 3) == await take(two, 3) == [{"n": 1}, "text", "text"]
        assert await take(other, 1) == ["goal"]


async def test_an_event_has_its_type_and_id() -> None:
    async with subscribe("news") as events:
        broadcast("news", 1, event="flash", id="7")
        async with asyncio.timeout(SECONDS):
            assert await anext(events) == ServerSentEvent(data=1, event="flash", id="7")


async def test_any_thread_may_tell() -> None:
    async with subscribe("news") as events:
        thread = Thread(target=broadcast, args=("news", "from a thread"))
        thread.start()
        assert await take(events, 1) == ["from a thread"]
        thread.join()


async def test_who_has_left_keeps_nothing() -> None:
    async with subscribe("news"):
        assert set(broadcasts._listeners[get_hub()]) == {"news"}
    assert broadcasts._listeners[get_hub()] == {}
    events = subscribe("news")
    assert broadcasts._listeners[get_hub()] == {}  # until somebody reads
    await events.aclose()


async def test_who_reads_too_slowly_is_dropped_and_the_others_are_not(caplog: Any) -> None:
    async with subscribe("news") as slow, subscribe("news") as quick:
        for number in range(broadcasts.MAX_WAITING + 1):
            broadcast("news", number)
            assert await take(quick, 1) == [number]
        async with asyncio.timeout(SECONDS):
            assert [event.data async for event in slow] == list(range(broadcasts.MAX_WAITING))
        broadcast("news", "later")
        assert await take(quick, 1) == ["later"]
    assert "A listener of 'news' was dropped: 100 events wait for it." in caplog.text


async def test_what_can_not_be_sent_is_refused_where_it_is_said() -> None:
    for wrong in (
        {"data": "x" * broadcasts.MAX_BYTES},
        {"data": "", "event": "a\nb"},
        {"data": "", "id": "a\nb"},
        {"data": "", "group": "x" * 101},
    ):
        with pytest.raises(ValueError, match=r"may have|must be one line"):
            broadcast(**{"group": "news", **wrong})
    with pytest.raises(TypeError):
        broadcast("news", object())
    with pytest.raises(ValueError, match="name of a group"):
        subscribe("x" * 101)


async def test_without_listeners_it_is_said_to_nobody() -> None:
    get_hub()
    broadcast("news", "unheard")
    await asyncio.sleep(0)


async def test_other_processes_are_told_by_one_message_whoever_listens_there(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = InMemoryChannelLayer()
    carried: list[Any] = []

    class Layer:
        """Not the one in memory, as far as a hub can see."""

        async def group_send(self, group: str, message: Any) -> None:
            carried.append(message)
            await layer.group_send(group, message)

        def __getattr__(self, name: str) -> Any:
            return getattr(layer, name)

    monkeypatch.setattr(layers, "get_channel_layer", Layer)
    async with subscribe("news") as here, subscribe("news") as here_too:
        other = Hub(Layer())
        await other.joined()
        heard: list[tuple[str, ...]] = []
        said = asyncio.Event()
        other.on("broadcast", lambda *item: (heard.append(item), said.set()))
        broadcast("news", "once")
        assert await take(here, 1) == await take(here_too, 1) == ["once"]
        async with asyncio.timeout(SECONDS):
            await said.wait()
        assert [(group, json.loads(text)["data"]) for group, _, text in heard] == [("news", "once")]
        assert len([each for each in carried if each["items"]]) == 1
        other.publish(("broadcast", "news", "2", json.dumps({"data": "back", "event": "", "id": ""})))
        assert await take(here, 1) == ["back"]
        await other.close()
