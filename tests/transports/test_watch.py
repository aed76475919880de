from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable
from typing import Any

import pytest

from mcp_django import MCPServer
from mcp_django.engine import clock
from mcp_django.engine.exchange import MODERN, Exchange
from mcp_django.engine.server import get_engine
from mcp_django.transports import watch as watching
from mcp_django.transports.reply import Reply
from mcp_django.transports.watch import Stopping, Watch, interruptible, stop_watched

pytestmark = pytest.mark.anyio


class Connection:
    """Both ends of one request's connection."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.asked = 0
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.reply = Reply(self.send)

    async def receive(self) -> dict[str, Any]:
        self.asked += 1
        return await self.incoming.get()

    async def send(self, event: dict[str, Any]) -> None:
        self.sent.put_nowait(event)

    def leave(self) -> None:
        self.incoming.put_nowait({"type": "http.disconnect"})

    def watch(self, keep_alive_seconds: float = 60, **options: Any) -> Watch:
        return Watch(self.receive, self.reply, keep_alive_seconds, **options)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin to watch when the loop next turns."""
    monkeypatch.setattr(clock, "TICK_SECONDS", 0)


def make_exchange() -> Exchange:
    engine = get_engine(MCPServer("watched"))
    return Exchange(
        engine=engine, method="ping", params=None, request_id=1, version=MODERN, transport="streamable-http"
    )


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def for_ever(watch: Watch) -> str | None:
    """Be a call that never ends of itself; return how it was ended."""
    with watch:
        await asyncio.Event().wait()
    return watch.end


async def test_a_short_call_is_not_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "TICK_SECONDS", 60)
    connection, before = Connection(), asyncio.all_tasks()
    with connection.watch() as watch:
        for _ in range(10):
            await asyncio.sleep(0)
        assert asyncio.all_tasks() == before
        assert watch not in watching._watched
    assert connection.asked == 0
    assert watch.end is None


async def test_nothing_of_a_short_call_begins_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "TICK_SECONDS", 0.001)
    connection = Connection()
    with connection.watch():
        pass
    await asyncio.sleep(0.01)
    assert connection.asked == 0
    assert not watching._watched


@pytest.mark.usefixtures("at_once")
async def test_the_watcher_doesn_t_outlive_the_call() -> None:
    connection, before = Connection(), asyncio.all_tasks()
    with connection.watch() as watch:
        await until(lambda: connection.asked)
        assert watch in watching._watched
        assert len(asyncio.all_tasks() - before) == 1
    assert watch not in watching._watched
    await until(lambda: asyncio.all_tasks() == before)
    assert connection.sent.empty()


@pytest.mark.usefixtures("at_once")
async def test_a_client_that_leaves_ends_the_call() -> None:
    connection = Connection()
    watch = connection.watch()
    call = asyncio.ensure_future(for_ever(watch))
    await until(lambda: connection.asked)
    connection.leave()
    async with asyncio.timeout(5):
        assert await call == "left"
    assert call.cancelling() == 0
    assert not watching._watched


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("how", ["leave", "stop", "call off", "end"])
async def test_a_call_is_told_before_it_is_cancelled(how: str) -> None:
    connection = Connection()
    exchange = make_exchange()
    watch = connection.watch(exchange=exchange)

    async def call() -> bool:
        with watch:
            try:
                await (asyncio.sleep(0.01) if how == "end" else asyncio.Event().wait())
            except asyncio.CancelledError:
                return exchange.cancelled
        return exchange.cancelled

    task = asyncio.ensure_future(call())
    await until(lambda: connection.asked)
    if how == "leave":
        connection.leave()
    elif how == "stop":
        watch.stop()
    elif how == "call off":
        watch.call_off()
    async with asyncio.timeout(5):
        assert await task is (how != "end")


@pytest.mark.usefixtures("at_once")
async def test_a_client_that_says_more_than_it_should_is_still_there() -> None:
    connection = Connection()
    call = asyncio.ensure_future(for_ever(connection.watch()))
    for _ in range(3):
        connection.incoming.put_nowait({"type": "http.request", "body": b"more", "more_body": False})
    await until(lambda: connection.asked == 4)
    assert not call.done()
    connection.leave()
    async with asyncio.timeout(5):
        assert await call == "left"


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("broken", ["receive", "send"])
async def test_a_connection_that_fails_is_a_client_that_left(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    """A server may raise OSError from ``send`` when the client has gone (ASGI 2.4)."""

    async def fail(event: Any = None) -> Any:
        raise OSError("gone")

    connection = Connection()
    monkeypatch.setattr(connection, broken, fail)
    connection.reply = Reply(connection.send)
    with caplog.at_level(logging.ERROR, "asyncio"):
        call = asyncio.ensure_future(for_ever(connection.watch(0.001)))
        async with asyncio.timeout(1):
            assert await call == "left"
        del call
        await asyncio.sleep(0)
        gc.collect()  # asyncio complains of an exception that nobody fetched when it drops the task
    assert caplog.records == []


@pytest.mark.usefixtures("at_once")
async def test_a_call_that_ignores_its_end_runs_to_its_own_and_is_told_apart() -> None:
    connection = Connection()

    async def stubborn() -> tuple[str, str | None]:
        with connection.watch() as watch:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                result = "done"
        return result, watch.end

    call = asyncio.ensure_future(stubborn())
    await until(lambda: connection.asked)
    connection.leave()
    async with asyncio.timeout(5):
        assert await call == ("done", "left")
    assert call.cancelling() == 0


@pytest.mark.usefixtures("at_once")
async def test_an_error_of_the_call_s_own_goes_through() -> None:
    connection = Connection()
    watch = connection.watch()

    async def call() -> None:
        with watch:
            await until(lambda: connection.asked)
            raise LookupError

    with pytest.raises(LookupError):
        await call()
    assert watch.end is None


@pytest.mark.usefixtures("at_once")
async def test_cancellation_from_outside_goes_through() -> None:
    connection = Connection()
    call = asyncio.ensure_future(for_ever(connection.watch()))
    await until(lambda: connection.asked)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


@pytest.mark.usefixtures("at_once")
async def test_cancellation_from_outside_goes_through_even_when_the_client_leaves_too() -> None:
    connection = Connection()
    watch = connection.watch()
    call = asyncio.ensure_future(for_ever(watch))
    await until(lambda: connection.asked)
    watch.stop()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


# Keeping alive


@pytest.mark.usefixtures("at_once")
async def test_a_silent_call_gets_a_sign_of_life_at_every_interval() -> None:
    connection = Connection()
    call = asyncio.ensure_future(for_ever(connection.watch(0.001)))
    async with asyncio.timeout(5):
        events = [await connection.sent.get() for _ in range(4)]
        connection.leave()
        assert await call == "left"
    assert [event.get("body") for event in events] == [None, *[b": keep-alive\r\n\r\n"] * 3]


@pytest.mark.usefixtures("at_once")
async def test_no_sign_of_life_is_given_after_the_call() -> None:
    connection, before = Connection(), asyncio.all_tasks()
    with connection.watch(0.001):
        async with asyncio.timeout(5):
            await connection.sent.get()
    while not connection.sent.empty():
        connection.sent.get_nowait()
    await asyncio.sleep(0.01)
    assert connection.sent.empty()
    assert asyncio.all_tasks() == before


@pytest.mark.usefixtures("at_once")
async def test_a_client_that_reads_nothing_and_leaves_ends_the_call() -> None:
    connection, blocked = Connection(), asyncio.Event()

    async def block(event: dict[str, Any]) -> None:
        blocked.set()
        await asyncio.Event().wait()

    connection.reply = Reply(block)
    call = asyncio.ensure_future(for_ever(connection.watch(0.001)))
    async with asyncio.timeout(5):
        await blocked.wait()
        connection.leave()
        assert await call == "left"


# Stopping


@pytest.mark.usefixtures("at_once")
async def test_stopping_ends_every_call_that_is_watched() -> None:
    connections = [Connection() for _ in range(3)]
    calls = [asyncio.ensure_future(for_ever(connection.watch())) for connection in connections]
    await until(lambda: all(connection.asked for connection in connections))
    stop_watched()
    stop_watched()
    async with asyncio.timeout(5):
        assert await asyncio.gather(*calls) == ["stopped"] * 3
    assert [call.cancelling() for call in calls] == [0, 0, 0]


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("first", ["leave", "stop"])
async def test_who_leaves_while_the_server_stops_counts_as_what_came_first(first: str) -> None:
    connection, ending, go_on = Connection(), asyncio.Event(), asyncio.Event()
    watch = connection.watch()

    async def slow_to_end() -> str | None:
        with watch:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                ending.set()
                await go_on.wait()
        return watch.end

    call = asyncio.ensure_future(slow_to_end())
    await until(lambda: connection.asked)
    for step in (connection.leave, stop_watched) if first == "leave" else (stop_watched, connection.leave):
        step()
        async with asyncio.timeout(5):
            await ending.wait()
    await until(lambda: watch._watcher is not None and watch._watcher.done())
    go_on.set()
    async with asyncio.timeout(5):
        assert await call == ("left" if first == "leave" else "stopped")
    assert call.cancelling() == 0


@pytest.mark.usefixtures("at_once")
async def test_a_call_that_begins_while_the_server_stops_is_ended_too() -> None:
    stop_watched()
    async with asyncio.timeout(5):
        assert await for_ever(Connection().watch()) == "stopped"


# Cancelled by the client


@pytest.mark.parametrize("watched", [False, True])
async def test_a_call_that_its_client_calls_off_ends(monkeypatch: pytest.MonkeyPatch, watched: bool) -> None:
    monkeypatch.setattr(clock, "TICK_SECONDS", 0 if watched else 60)
    connection = Connection()
    watch = connection.watch()
    call = asyncio.ensure_future(for_ever(watch))
    await until(lambda: connection.asked) if watched else await asyncio.sleep(0)
    watch.call_off()
    watch.call_off()
    watch.stop()
    async with asyncio.timeout(5):
        assert await call == "called off"
    assert call.cancelling() == 0


# What waits for a client


async def wait_for_a_client(client: asyncio.Event) -> str:
    with interruptible():
        await client.wait()
    return "came"


async def test_whoever_waits_for_a_client_may_wait() -> None:
    client = asyncio.Event()
    waiting = asyncio.ensure_future(wait_for_a_client(client))
    await asyncio.sleep(0)
    client.set()
    async with asyncio.timeout(5):
        assert await waiting == "came"
    stop_watched()
    assert waiting.cancelling() == 0


async def test_whoever_waits_for_a_client_is_told_that_the_server_stops_now_and_later() -> None:
    waiting = asyncio.ensure_future(wait_for_a_client(asyncio.Event()))
    await asyncio.sleep(0)
    stop_watched()
    async with asyncio.timeout(5):
        with pytest.raises(Stopping):
            await waiting
        with pytest.raises(Stopping):
            await wait_for_a_client(asyncio.Event())
    assert waiting.cancelling() == 0


@pytest.mark.parametrize("stopping", [False, True])
async def test_whoever_waits_for_a_client_can_be_cancelled_all_the_same(stopping: bool) -> None:
    waiting = asyncio.ensure_future(wait_for_a_client(asyncio.Event()))
    await asyncio.sleep(0)
    if stopping:
        stop_watched()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
