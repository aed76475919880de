"""Two hubs on one layer stand for two processes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from mcp_django.sessions import hub as hubs
from mcp_django.sessions.events import Event
from mcp_django.sessions.hub import MAX_BATCH, Hub, close_hub, get_hub, running_hubs
from mcp_django.sessions.listeners import LIST_KINDS, Listener
from tests.sessions.layers import SharedLayer
from tests.sessions.layers import TimeoutError as LayerTimeout

pytestmark = pytest.mark.anyio

SECONDS = 5


def update(number: int) -> Event:
    return Event("a", "resource", f"x://{number}")


class Heard(Listener):
    """Listens to three lists and two resources, and keeps what it hears."""

    def __init__(self) -> None:
        super().__init__("a", LIST_KINDS, ["x://0", "x://1"])
        self.events: list[Event] = []
        self.news = asyncio.Event()

    def put(self, event: Event) -> None:
        self.events.append(event)
        self.news.set()

    async def until(self, *wanted: Event) -> None:
        """Wait until these have been heard."""
        async with asyncio.timeout(SECONDS):
            while not set(wanted) <= set(self.events):
                self.news.clear()
                await self.news.wait()

    async def until_everything(self) -> None:
        """Wait until it was told that anything may have changed."""
        await self.until(*(Event("a", kind) for kind in LIST_KINDS), update(0), update(1))  # type: ignore[arg-type]


@pytest.fixture
def layer() -> SharedLayer:
    return SharedLayer()


@asynccontextmanager
async def process(layer: SharedLayer) -> AsyncIterator[tuple[Hub, Heard]]:
    """Run a hub of its own, which has joined, with somebody who listens."""
    hub, heard = Hub(layer), Heard()
    hub.listeners.add(heard)
    await hub.joined()
    try:
        yield hub, heard
    finally:
        await hub.close()


@pytest.fixture
async def pair(layer: SharedLayer) -> AsyncIterator[tuple[Hub, Hub, Heard]]:
    """Two hubs, and who listens at the second."""
    async with process(layer) as (here, _), process(layer) as (there, heard):
        yield here, there, heard


# From one to the other


async def test_an_event_is_handed_over_here_at_once_and_there_soon(layer: SharedLayer) -> None:
    async with process(layer) as (here, near), process(layer) as (_, far):
        here.publish(update(0))
        assert (near.events, far.events) == ([update(0)], [])
        await far.until(update(0))
        await asyncio.sleep(0.05)
        assert (near.events, far.events) == ([update(0)], [update(0)])


async def test_a_nudge_calls_those_who_wait_for_its_word(pair: tuple[Hub, Hub, Heard]) -> None:
    here, there, _ = pair
    done = asyncio.Event()
    called: list[Any] = []

    def handler(*ids: str) -> None:
        called.append(ids)
        done.set()

    for _ in range(2):  # twice the same counts once
        there.on("ended", handler)
    there.on("cancel", lambda *ids: called.append("wrong"))
    here.publish(("ended", "s", "t"))
    async with asyncio.timeout(SECONDS):
        await done.wait()
    assert called == [("s", "t")]


async def test_a_nudge_that_nobody_waits_for_is_passed_over(pair: tuple[Hub, Hub, Heard]) -> None:
    here, _, heard = pair
    here.publish(("of a version to come", "x"))
    here.publish(update(0))
    await heard.until(update(0))


async def test_what_is_said_twice_before_it_leaves_leaves_once(
    layer: SharedLayer, pair: tuple[Hub, Hub, Heard]
) -> None:
    here, _, heard = pair
    for _ in range(1000):
        here.publish(update(0))
        here.publish(update(1))
    await heard.until(update(0), update(1))
    assert layer.items == [["event", "a", "resource", "x://0"], ["event", "a", "resource", "x://1"]]


async def test_much_leaves_in_batches(layer: SharedLayer, pair: tuple[Hub, Hub, Heard]) -> None:
    here, _, heard = pair
    for number in range(10_000):
        here.publish(update(10_000 - number))
    here.publish(update(0))
    await heard.until(update(0), update(1))
    assert [len(message["items"]) for message in layer.sent] == [MAX_BATCH] * 20 + [1]
    assert [message["number"] for message in layer.sent] == list(range(1, 22))


async def test_any_thread_may_publish(pair: tuple[Hub, Hub, Heard]) -> None:
    here, _, heard = pair
    await asyncio.to_thread(here.publish_threadsafe, update(0))
    await heard.until(update(0))


async def test_a_layer_in_memory_stays_in_the_process_and_needs_no_tasks() -> None:
    tasks = asyncio.all_tasks()
    hub, heard = get_hub(), Heard()
    hub.listeners.add(heard)
    hub.publish(update(0))
    await hub.joined()
    await hub.flush()
    assert (heard.events, asyncio.all_tasks() - tasks, hub.layer) == ([update(0)], set(), None)
    assert get_hub() is hub
    assert hub in running_hubs()
    await close_hub()
    assert hub not in running_hubs()


# What gets lost


async def test_who_misses_a_message_is_told_of_everything_with_the_next(
    layer: SharedLayer, pair: tuple[Hub, Hub, Heard]
) -> None:
    here, there, heard = pair
    lost: list[int] = []
    there.on_lost(lambda: lost.append(1))
    here.publish(update(9))
    await here.flush()
    layer.lose = 1
    here.publish(update(0))
    await here.flush()
    here.publish(update(1))
    await heard.until_everything()
    assert lost == [1]


async def test_a_message_that_is_lost_before_a_silence_is_noticed_by_the_next_beat(
    layer: SharedLayer, pair: tuple[Hub, Hub, Heard], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "BEAT_SECONDS", (0.05, 0.05))
    here, _, heard = pair
    here.publish(update(9))
    await here.flush()
    layer.lose = 1
    here.publish(update(0))
    await heard.until_everything()
    async with asyncio.timeout(SECONDS):
        while [message["items"] for message in layer.sent].count([]) < 2:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.15)
    assert [message["items"] for message in layer.sent].count([]) == 2


async def test_beats_alone_tell_nobody_anything(
    pair: tuple[Hub, Hub, Heard], layer: SharedLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "BEAT_SECONDS", (0.02, 0.02))
    here, _, heard = pair
    here.publish(update(0))
    async with asyncio.timeout(SECONDS):
        while len(layer.sent) < 3:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.02)
    assert heard.events == [update(0)]


async def test_the_first_words_of_a_process_that_starts_later_are_missed_as_well(
    layer: SharedLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "BEAT_SECONDS", (0.05, 0.05))
    async with process(layer) as (_, heard):
        await asyncio.sleep(0.2)  # it has been here for longer than a beat takes
        async with process(layer) as (newcomer, _):
            layer.lose = 1
            newcomer.publish(update(0))
            await heard.until_everything()


async def test_the_first_words_of_a_process_are_missed_by_one_that_has_just_joined_as_well(
    layer: SharedLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when Redis has restarted, and the first thing that is said finds a connection that is gone."""
    monkeypatch.setattr(hubs, "BEAT_SECONDS", (0.05, 0.05))
    async with process(layer) as (speaker, _), process(layer) as (_, heard):
        layer.lose = 1
        speaker.publish(update(0))
        await heard.until_everything()


@pytest.mark.parametrize("items", [[], [["event", "a", "resource", "x://0"]]], ids=["a beat", "an event"])
async def test_who_has_just_joined_has_missed_only_what_was_said_since(layer: SharedLayer, items: list[Any]) -> None:
    """Every message says how many seconds before it the last one was sent."""
    async with process(layer) as (hub, heard):
        message = {"type": "mcp.message", "number": 5, "items": items}
        await layer.group_send(hubs.GROUP, {**message, "from": "long ago", "since": 3600.0})
        async with asyncio.timeout(SECONDS):
            while "long ago" not in hub._seen:
                await asyncio.sleep(0)
        assert heard.events == [update(0)] * len(items)
        await layer.group_send(hubs.GROUP, {**message, "from": "just now", "since": 0.0})
        await heard.until_everything()


# A layer that fails


async def test_a_layer_that_goes_away_is_joined_again_and_then_everybody_is_told(
    layer: SharedLayer, pair: tuple[Hub, Hub, Heard], caplog: pytest.LogCaptureFixture
) -> None:
    here, there, heard = pair
    lost: list[bool] = []
    there.on_lost(lambda: lost.append(layer.down))
    layer.go_down()
    async with asyncio.timeout(SECONDS):
        while caplog.text.count("The channel layer failed (ConnectionError: ") < 6:  # both have tried three times
            await asyncio.sleep(0.01)
    assert heard.events == []
    layer.come_up()
    await heard.until_everything()
    assert lost
    assert not any(lost)
    heard.events.clear()
    async with asyncio.timeout(SECONDS):
        await here.joined()
    here.publish(update(0))
    await heard.until(update(0))


async def test_a_layer_that_hangs_holds_up_nobody_and_then_everybody_is_told(
    layer: SharedLayer, pair: tuple[Hub, Hub, Heard], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a Redis does that was stopped, or whose network went away: nothing is refused, and nothing answered."""
    here, _, heard = pair
    here.publish(update(9))
    await here.flush()
    with monkeypatch.context() as patch:
        patch.setattr(hubs, "LAYER_SECONDS", 0.05)
        layer.slow = 3600
        here.publish(update(0))
        async with asyncio.timeout(SECONDS):
            await here.flush()
        assert "The channel layer did not take a message (TimeoutError: )." in caplog.text
        layer.slow = 0
    here.publish(update(1))
    await heard.until_everything()


async def test_a_layer_that_hangs_while_it_is_joined_is_joined_again(
    layer: SharedLayer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    join, hanging = layer.group_add, [True, True]

    async def hang(group: str, channel: str) -> None:
        if hanging:
            hanging.pop()
            await asyncio.Event().wait()
        await join(group, channel)

    monkeypatch.setattr(layer, "group_add", hang)
    monkeypatch.setattr(hubs, "LAYER_SECONDS", 0.05)
    async with process(layer) as (hub, _), asyncio.timeout(SECONDS):
        while not hub._joined.is_set():
            await hub.joined()
    assert caplog.text.count("The channel layer failed (TimeoutError: )") == 2


async def test_what_a_layer_does_not_keep_up_with_is_dropped_and_noticed(
    layer: SharedLayer, pair: tuple[Hub, Hub, Heard], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "MAX_OUTGOING", 10)
    here, _, heard = pair
    here.publish(update(9))
    await here.flush()
    for number in range(100, 125):
        here.publish(update(number))
        assert len(here._outgoing) <= 10
    assert caplog.text.count("does not keep up: 10 messages were dropped") == 2
    await heard.until_everything()


async def test_waits_between_tries_grow(
    layer: SharedLayer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        waits.append(seconds)
        await sleep(0)

    async with process(layer):
        monkeypatch.setattr(asyncio, "sleep", note)
        layer.go_down()
        async with asyncio.timeout(SECONDS):
            while len([wait for wait in waits if wait]) < 10:
                await sleep(0)
        monkeypatch.undo()
    waits = [wait for wait in waits if wait]
    assert waits[:7] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5]
    assert set(waits[7:]) == {5}


async def test_a_silence_that_the_layer_calls_an_error_is_none(
    layer: SharedLayer, pair: tuple[Hub, Hub, Heard], caplog: pytest.LogCaptureFixture
) -> None:
    """redis-py 8 breaks off reading after five seconds, whatever channels_redis wants (django/channels_redis#422)."""
    caplog.set_level(logging.INFO, "mcp_django")
    here, _, heard = pair
    channels = {group: dict(names) for group, names in layer.groups.items()}
    for _ in range(3):
        layer.interrupt(LayerTimeout("Timeout reading from localhost:6379"))
        await asyncio.sleep(0.01)
    here.publish(update(0))
    await heard.until(update(0))
    assert (heard.events, caplog.text, layer.groups) == ([update(0)], "", channels)


async def test_a_layer_that_takes_no_message_is_told_in_the_log_and_noticed_by_the_others(
    layer: SharedLayer, pair: tuple[Hub, Hub, Heard], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, _, heard = pair
    here.publish(update(9))
    await here.flush()

    async def fail(*args: Any) -> None:
        raise ConnectionError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(layer, "group_send", fail)
        here.publish(update(0))
        await here.flush()
    assert "The channel layer did not take a message (ConnectionError: no room)." in caplog.text
    here.publish(update(1))
    await heard.until_everything()


async def test_what_the_layer_did_not_take_is_noticed_once_it_takes_something(
    layer: SharedLayer, pair: tuple[Hub, Hub, Heard], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it has failed, and though nothing more is said."""
    monkeypatch.setattr(hubs, "BEAT_SECONDS", (0.02, 0.02))
    here, _, heard = pair
    send, failures = layer.group_send, iter(range(4))

    async def fail(*args: Any) -> None:
        for _ in failures:
            raise ConnectionError("no room")
        await send(*args)

    monkeypatch.setattr(layer, "group_send", fail)
    here.publish(update(0))
    await heard.until_everything()


async def test_a_message_that_makes_no_sense_stops_nobody(
    layer: SharedLayer, pair: tuple[Hub, Hub, Heard], caplog: pytest.LogCaptureFixture
) -> None:
    """Such as one of another version, while a new one is rolled out."""
    here, _, heard = pair
    for message in ({"type": "mcp.message"}, {"from": "x", "number": 1, "items": [["event"], []]}):
        await layer.group_send(hubs.GROUP, message)
    async with asyncio.timeout(SECONDS):
        while update(1) not in heard.events:
            here.publish(update(1))
            await asyncio.sleep(0.05)


async def test_a_handler_that_fails_stops_nobody(pair: tuple[Hub, Hub, Heard]) -> None:
    here, there, heard = pair

    def fail(*ids: str) -> None:
        raise RuntimeError("a bug")

    there.on("ended", fail)
    here.publish(("ended", "x"))
    here.publish(update(0))
    await heard.until(update(0))


# Beginning and end


async def test_a_stream_waits_for_its_process_to_be_heard_of_but_not_for_ever(
    layer: SharedLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "JOIN_SECONDS", 0.05)
    layer.down = True
    hub = Hub(layer)
    async with asyncio.timeout(SECONDS):
        await hub.joined()
    layer.come_up()
    async with asyncio.timeout(SECONDS):
        while not layer.groups[hubs.GROUP]:
            await hub.joined()
    await hub.close()


async def test_what_was_kept_before_a_process_joined_is_looked_at_again(layer: SharedLayer) -> None:
    hub = Hub(layer)
    lost: list[int] = []
    hub.on_lost(lambda: lost.append(1))
    await hub.joined()
    assert lost == [1]
    await hub.close()


async def test_closing_sends_what_is_still_to_be_sent(layer: SharedLayer) -> None:
    layer.slow = 0.01
    async with process(layer) as (_, heard):
        async with process(layer) as (leaving, _):
            for number in range(2, 2000):
                leaving.publish(update(number))
            leaving.publish(update(0))
        assert len(layer.items) == 1999
        await heard.until(update(0))


async def test_one_message_leaves_even_when_its_process_ends_at_once(layer: SharedLayer) -> None:
    layer.slow = 0.05
    hub = Hub(layer)
    hub.publish(update(0))
    await hub.close()
    assert layer.items == [["event", "a", "resource", "x://0"]]


async def test_closing_waits_for_no_layer_that_is_away(
    layer: SharedLayer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "CLOSE_SECONDS", 0.05)
    hub = Hub(layer)
    layer.slow = 60
    hub.publish(update(0))
    async with asyncio.timeout(SECONDS):
        await hub.close()
    assert "The channel layer did not take the last" in caplog.text


async def test_closing_ends_every_stream_and_every_task(layer: SharedLayer) -> None:
    tasks = asyncio.all_tasks()
    async with process(layer) as (_, heard):
        pass
    assert heard.ended
    assert asyncio.all_tasks() == tasks
