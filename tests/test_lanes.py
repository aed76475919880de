from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from functools import partial
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.db import connection, connections
from django.utils import translation

from mcp_django import threads
from mcp_django.lanes import Lane, on_own_thread, on_thread
from mcp_django.threads import Pool

pytestmark = pytest.mark.anyio

in_thread = partial(sync_to_async, thread_sensitive=True)
variable: ContextVar[str] = ContextVar("variable")


async def test_all_sync_code_of_a_call_runs_on_one_thread() -> None:
    with Lane(Pool(4)):
        seen = {await in_thread(threading.get_ident)() for _ in range(5)}
    assert len(seen) == 1
    assert threading.get_ident() not in seen


async def test_a_call_without_sync_code_takes_no_thread() -> None:
    pool = Pool(4)
    with Lane(pool):
        await asyncio.sleep(0)
    assert pool.busy == 0
    assert pool._count == 0


async def test_calls_run_side_by_side() -> None:
    together = threading.Barrier(3)

    async def call() -> None:
        with Lane(pool):
            await in_thread(together.wait)(5)

    pool = Pool(3)
    async with asyncio.timeout(10):
        await asyncio.gather(call(), call(), call())


async def test_a_thread_is_used_again() -> None:
    pool = Pool(4)
    for _ in range(5):
        with Lane(pool):
            await in_thread(threading.get_ident)()
        await _until_idle(pool)
    assert pool._count == 1


async def test_a_call_waits_when_all_threads_are_busy_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    pool, release, order = Pool(1), threading.Event(), []

    async def first() -> None:
        with Lane(pool):
            await in_thread(release.wait)(5)
            order.append("first")

    async def second() -> None:
        with Lane(pool):
            await in_thread(order.append)("second")

    async with asyncio.timeout(10):
        running = asyncio.ensure_future(first())
        await _until(lambda: pool.busy == 1)
        with caplog.at_level(logging.WARNING):
            waiting = asyncio.ensure_future(second())
            await _until(lambda: bool(pool._waiting))
        release.set()
        await asyncio.gather(running, waiting)
    assert order == ["first", "second"]
    assert "MAX_THREADS" in caplog.text


async def test_a_call_that_gives_up_waiting_leaves_the_line() -> None:
    pool, release = Pool(1), threading.Event()

    async def call() -> None:
        with Lane(pool):
            await in_thread(release.wait)(5)

    async with asyncio.timeout(10):
        running = asyncio.ensure_future(call())
        await _until(lambda: pool.busy == 1)
        waiting = asyncio.ensure_future(call())
        await _until(lambda: bool(pool._waiting))
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert not pool._waiting
        release.set()
        await running
        await _until_idle(pool)


async def test_a_cancelled_call_gives_its_thread_back_when_the_sync_code_is_done() -> None:
    pool, begun, release = Pool(1), threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        release.wait(5)

    async def call() -> None:
        with Lane(pool):
            await in_thread(wait)()

    async with asyncio.timeout(10):
        running = asyncio.ensure_future(call())
        await _until(begun.is_set)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert pool.busy == 1
        release.set()
        await _until_idle(pool)


async def test_what_no_future_can_hold_does_not_leave_the_call_waiting() -> None:
    async with asyncio.timeout(10):
        with Lane(Pool(1)), pytest.raises(RuntimeError, match="StopIteration"):
            await in_thread(next)(iter([]))


async def test_a_task_that_outlives_its_call_can_run_no_sync_code() -> None:
    go = asyncio.Event()

    async def left_behind() -> None:
        await go.wait()
        await in_thread(threading.get_ident)()

    with Lane(Pool(1)):
        task = asyncio.ensure_future(left_behind())
        await asyncio.sleep(0)
    go.set()
    with pytest.raises(RuntimeError, match="The MCP call is over"):
        await task


async def test_work_cancelled_before_it_began_is_not_done() -> None:
    done: list[int] = []
    pool, begun, release = Pool(1), threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        release.wait(5)

    lane = Lane(pool)
    with lane:
        first, second = lane.submit(wait), lane.submit(done.append, 1)
        await _until(begun.is_set)
        assert second.cancel()
        release.set()
    await _until_idle(pool)
    assert first.done()
    assert not done


async def test_a_thread_that_left_nothing_open_goes_back_without_being_woken() -> None:
    pool = Pool(1)
    with Lane(pool):
        await in_thread(threading.get_ident)()
    assert pool.busy == 0


async def test_the_thread_of_a_call_is_given_back_once_whoever_was_about_to_take_it() -> None:
    """A call that ends while the thread that it has waited for is just being handed to it must not keep that."""
    pool, begun, release = Pool(1), threading.Event(), threading.Event()
    with Lane(pool) as busy:
        busy.submit(lambda: (begun.set(), release.wait(5)))
        await _until(begun.is_set)
        late = Lane(pool)
        with late:
            refused = late.submit(threading.get_ident)
            assert pool._waiting.popleft() is late  # as the pool does in the moment before it calls start()
        assert str(refused.exception()).startswith("The MCP call is over")
        release.set()
    await _until_idle(pool)
    worker = pool.borrow(late)
    assert worker is not None
    late.start(worker)
    await _until_idle(pool)
    assert pool._idle == [worker]


@pytest.mark.django_db(transaction=True)
async def test_a_connection_is_closed_after_the_call_when_conn_max_age_is_nothing() -> None:
    pool, seen = Pool(1), []

    def count() -> bool:
        known = connection.connection is not None
        User.objects.count()
        return known

    for _ in range(2):
        with Lane(pool):
            seen += [await in_thread(count)(), await in_thread(count)()]
        await _until_idle(pool)
    pool.close()
    assert seen == [False, True, False, True]


@pytest.mark.django_db(transaction=True)
async def test_a_connection_that_was_left_in_another_mode_is_closed_after_the_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool, seen = Pool(1), []

    def leave_autocommit_off() -> None:
        monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", None)
        seen.append(connection.connection is not None)
        connection.ensure_connection()
        connection.set_autocommit(False)

    for _ in range(2):
        with Lane(pool):
            await in_thread(leave_autocommit_off)()
        await _until_idle(pool)
    pool.close()
    assert seen == [False, False]


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    """The pool of this process, of one thread."""
    pool = Pool(1)
    monkeypatch.setitem(threads._pools, "calls", pool)
    yield pool
    pool.close()


async def test_a_sync_function_keeps_its_thread_no_longer_than_it_runs(one_thread: Pool) -> None:
    assert await on_thread(lambda: one_thread.busy) == 1
    assert one_thread.busy == 0
    first, second = await asyncio.gather(on_thread(threading.get_ident), on_thread(threading.get_ident))
    assert first == second != threading.get_ident()


async def test_work_of_our_own_needs_no_thread_of_the_functions(one_thread: Pool) -> None:
    release = threading.Event()
    function = asyncio.ensure_future(on_thread(release.wait, 5))
    await _until(lambda: one_thread.busy == 1)
    assert await on_own_thread(lambda: 1) == 1
    release.set()
    assert await function


def test_below_an_async_to_sync_a_sync_function_runs_on_the_thread_that_waits() -> None:
    assert async_to_sync(on_thread)(threading.get_ident) == threading.get_ident()
    assert async_to_sync(on_own_thread)(threading.get_ident) == threading.get_ident()


@pytest.mark.usefixtures("one_thread")
async def test_a_sync_function_knows_what_the_call_has_set_and_the_other_way_round() -> None:
    variable.set("loop")
    with translation.override("de"):
        assert await on_thread(lambda: (translation.get_language(), variable.get())) == ("de", "loop")
    await on_thread(variable.set, "thread")
    assert variable.get() == "thread"


@pytest.mark.usefixtures("one_thread")
async def test_async_code_inside_a_sync_function_runs_on_the_loop_of_the_call() -> None:
    async def loop_and_thread() -> tuple[object, int]:
        return asyncio.get_running_loop(), await sync_to_async(threading.get_ident)()

    (loop, inner), outer = await on_thread(lambda: (async_to_sync(loop_and_thread)(), threading.get_ident()))
    assert loop is asyncio.get_running_loop()
    assert inner == outer


@pytest.mark.usefixtures("one_thread")
async def test_a_sync_function_that_is_cancelled_ends_at_once_and_what_it_awaits_is_cancelled() -> None:
    ended: list[str] = []
    begun = threading.Event()

    async def wait() -> None:
        begun.set()
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    running = asyncio.ensure_future(on_thread(async_to_sync(wait)))
    await _until(begun.is_set)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended == ["cancelled"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("one_thread")
async def test_a_sync_function_finds_and_leaves_connections_as_django_says() -> None:
    def use() -> tuple[bool, Any]:
        known = connection.connection is not None
        User.objects.count()
        return known, connections["default"]

    for _ in range(2):
        known, used = await on_thread(use)
        assert not known
        assert used.connection is None, "CONN_MAX_AGE is nothing"


@pytest.mark.django_db(transaction=True)
async def test_a_connection_lives_on_when_conn_max_age_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool(1)

    def connection_of_thread() -> tuple[int, bool]:
        monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 60)
        known = connection.connection is not None
        User.objects.count()
        return id(connection.connection), known

    seen = []
    for _ in range(2):
        with Lane(pool):
            seen.append(await in_thread(connection_of_thread)())
        await _until_idle(pool)
    pool.close()
    assert seen[0][0] == seen[1][0]
    assert [known for _, known in seen] == [False, True]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("one_thread", "living_connections")
@pytest.mark.parametrize("checks", [False, True])
async def test_a_connection_is_checked_before_it_is_used_again_where_the_settings_say_so(
    monkeypatch: pytest.MonkeyPatch, checks: bool
) -> None:
    monkeypatch.setitem(connections.settings["default"], "CONN_HEALTH_CHECKS", checks)
    checked: list[bool] = []

    def use() -> None:
        monkeypatch.setattr(connections["default"], "is_usable", lambda: checked.append(True) or True)
        User.objects.count()

    for _ in range(3):
        await on_thread(use)
    assert len(checked) == (2 if checks else 0), "a new one is fine"


@pytest.mark.django_db(transaction=True)
async def test_the_orm_of_an_async_call_uses_the_thread_of_the_call() -> None:
    pool = Pool(2)
    with Lane(pool):
        before = await in_thread(threading.get_ident)()
        assert [user async for user in User.objects.all()] == []
        assert await in_thread(threading.get_ident)() == before
    assert pool._count == 1


async def _until(condition: object) -> None:
    while not condition():  # type: ignore[operator]
        await asyncio.sleep(0.001)


async def _until_idle(pool: Pool) -> None:
    async with asyncio.timeout(10):
        await _until(lambda: pool.busy == 0)
