"""Work for threads takes turns, and nobody waits for what is slow."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from time import perf_counter, sleep
from typing import Any

import pytest

from mcp_django import turns as module
from mcp_django.lanes import Whole
from mcp_django.threads import Pool, Worker
from mcp_django.turns import MAX_UNTOLD, MEASURED_SECONDS, Job, Line, Turns, get_turns

pytestmark = pytest.mark.anyio

SECONDS = 10


@pytest.fixture
def pool() -> Any:
    pool = Pool(64)
    yield pool
    pool.close()


@pytest.fixture
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as something ends within a minute, the rest waits for its turn."""
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 60)


class Crowd:
    """Counts how many are at work at once."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self.now = self.most = 0

    def work(self) -> None:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        sleep(self._seconds)
        with self._lock:
            self.now -= 1


def start(pool: Pool, *work: Callable[[], Any]) -> list[asyncio.Future[Any]]:
    turns = get_turns()
    jobs = [Whole(turns, pool, each) for each in work]
    for job in jobs:
        turns.add(job)
    return [job.outcome.future for job in jobs]


async def done(futures: list[asyncio.Future[Any]]) -> list[Any]:
    async with asyncio.timeout(SECONDS):
        return await asyncio.gather(*futures)


@pytest.mark.usefixtures("_patient")
async def test_one_begins_when_the_one_before_it_has_ended_in_the_order_in_which_they_came(pool: Pool) -> None:
    seen: list[int] = []
    crowd = Crowd(0.001)
    work = [lambda number=number: (crowd.work(), seen.append(number)) for number in range(20)]
    await done(start(pool, *work))
    assert seen == list(range(20))
    assert crowd.most == 1


@pytest.mark.usefixtures("_patient")
async def test_those_that_come_while_one_is_at_work_are_next(pool: Pool) -> None:
    begun, go_on = threading.Event(), threading.Event()
    first = start(pool, lambda: (begun.set(), go_on.wait(SECONDS)))
    await asyncio.to_thread(begun.wait, SECONDS)
    crowd = Crowd(0)
    second = start(pool, crowd.work)
    await asyncio.sleep(0.05)
    assert crowd.most == 0
    go_on.set()
    await done(first + second)
    assert crowd.most == 1


@pytest.mark.usefixtures("_patient")
async def test_whole_functions_one_after_another_need_one_thread(pool: Pool) -> None:
    names = await done(start(pool, *[lambda: threading.current_thread().name] * 10))
    assert len(set(names)) == 1
    assert pool._count == 1


async def test_nobody_waits_for_one_that_takes_long(pool: Pool) -> None:
    together = threading.Barrier(8)
    await done(start(pool, *[lambda: together.wait(SECONDS)] * 8))


async def test_what_comes_right_after_a_slow_one_begins_at_once(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IMPATIENT_SECONDS", 60)
    go_on = threading.Event()
    await_all = start(pool, *[lambda: go_on.wait(SECONDS)] * 2)
    while pool.busy < 2:
        await asyncio.sleep(0.001)
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 60)
    assert await done(start(pool, *[lambda: 1] * 3)) == [1, 1, 1]
    go_on.set()
    await done(await_all)


async def test_they_work_side_by_side_when_the_process_has_nothing_else_to_do(pool: Pool) -> None:
    crowd = Crowd(0.002)
    await done(start(pool, *[crowd.work] * 40))
    assert crowd.most > 1


async def test_they_go_on_taking_turns_while_the_process_is_busy(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    look = Turns._look

    def looking(turns: Turns) -> None:
        looked.append(1)
        turns._stalls = 0  # on a machine that is busy with other things, nothing may have ended in this time
        look(turns)

    monkeypatch.setattr(module, "process_time", perf_counter)
    monkeypatch.setattr(Turns, "_look", looking)
    crowd = Crowd(0.002)
    await done(start(pool, *[crowd.work] * 40))
    assert crowd.most == 1
    assert looked


async def test_a_result_does_not_wait_for_a_slow_one_behind_it(pool: Pool) -> None:
    heard = threading.Event()
    quick, slow = start(pool, lambda: 1, lambda: heard.wait(SECONDS))
    assert await done([quick]) == [1]
    heard.set()
    assert await done([slow]) == [True]


@pytest.mark.usefixtures("_patient")
async def test_nor_for_one_that_it_has_started_before_the_loop_knew_of_it(pool: Pool) -> None:
    first_begun, go_on, second_begun, heard = (threading.Event() for _ in range(4))
    (first,) = start(pool, lambda: (first_begun.set(), go_on.wait(SECONDS)))
    await asyncio.to_thread(first_begun.wait, SECONDS)
    (second,) = start(pool, lambda: (second_begun.set(), heard.wait(SECONDS)))
    go_on.set()
    assert second_begun.wait(SECONDS), "in the same turn of the loop, which is held here"
    await done([first])
    heard.set()
    await done([second])


@pytest.mark.usefixtures("_patient")
async def test_the_loop_hears_of_the_first_before_many_have_ended(pool: Pool) -> None:
    heard = threading.Event()
    first, *others = start(pool, *[lambda: 1] * MAX_UNTOLD, lambda: heard.wait(SECONDS))
    await done([first])
    heard.set()
    assert all(await done(others))


@pytest.mark.usefixtures("_patient")
async def test_the_next_goes_on_after_one_that_fails_or_is_refused_or_cancelled(pool: Pool) -> None:
    class Refused(Job):
        __slots__ = ("settled",)

        def launch(self) -> bool:
            self.turns.refuse(self)
            return False

        def settle(self) -> None:
            self.settled = True

    def fail() -> None:
        raise SystemExit

    refused = Refused(get_turns())
    (failed,) = start(pool, fail)
    get_turns().add(refused)
    cancelled, last = start(pool, lambda: 2, lambda: 3)
    cancelled.cancel()
    assert await done([last]) == [3]
    assert isinstance(failed.exception(), SystemExit)
    assert refused.settled


async def test_when_the_system_has_no_thread_left_the_call_fails_and_the_next_may_find_one(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(worker: Worker) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(Worker, "start", fail)
        futures = start(pool, lambda: 1, lambda: 2)
        async with asyncio.timeout(SECONDS):
            results = await asyncio.gather(*futures, return_exceptions=True)
    assert [str(each) for each in results] == ["can't start new thread"] * 2
    assert pool.busy == 0
    assert await done(start(pool, lambda: 3)) == [3]


async def test_one_that_waits_for_a_thread_lets_others_go_on(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    small, go_on = Pool(1), threading.Event()
    held = start(small, lambda: go_on.wait(SECONDS))
    while not small.busy:
        await asyncio.sleep(0.001)
    waiting = start(small, lambda: 2)
    assert await done(start(pool, lambda: 3)) == [3]
    assert not waiting[0].done()
    go_on.set()
    assert await done(held + waiting) == [True, 2]
    small.close()


async def test_one_that_is_cancelled_leaves_the_line_for_a_thread() -> None:
    small, go_on = Pool(1), threading.Event()
    held = start(small, lambda: go_on.wait(SECONDS))
    waiting = start(small, lambda: 2)
    async with asyncio.timeout(SECONDS):
        while not small._waiting:
            await asyncio.sleep(0.001)
        waiting[0].cancel()
        while small._waiting:
            await asyncio.sleep(0.001)
    go_on.set()
    await done(held)
    small.close()


async def test_a_loop_that_is_closed_is_told_nothing(pool: Pool, caplog: pytest.LogCaptureFixture) -> None:
    begun, go_on = threading.Event(), threading.Event()

    async def leave() -> None:
        start(pool, lambda: (begun.set(), go_on.wait(SECONDS)), lambda: 1)
        await asyncio.to_thread(begun.wait, SECONDS)

    await asyncio.to_thread(asyncio.run, leave())
    go_on.set()
    async with asyncio.timeout(SECONDS):
        while pool.busy:
            await asyncio.sleep(0.001)
    assert not caplog.records


async def test_each_loop_has_turns_of_its_own() -> None:
    async def ask() -> Turns:
        return get_turns()

    assert await ask() is get_turns()
    assert await asyncio.to_thread(asyncio.run, ask()) is not get_turns()


class Clocks:
    """Time that passes when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.computed = self.passed = 0.0
        monkeypatch.setattr(module, "process_time", lambda: self.computed)
        monkeypatch.setattr(module, "perf_counter", lambda: self.passed)

    def wait(self, line: Line, seconds: float, *, busy: float) -> None:
        """Let some wait for so long, while the process is busy for this part of it."""
        line.begin()
        self.passed += seconds
        self.computed += busy * seconds
        line.end()


def test_the_time_in_which_nobody_waits_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks, line = Clocks(monkeypatch), Line()
    clocks.wait(line, 0.004, busy=1)
    clocks.passed += 60
    line.end()
    assert not line.was_idle()


def test_a_moment_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks, line = Clocks(monkeypatch), Line()
    clocks.wait(line, MEASURED_SECONDS / 2, busy=0)
    assert not line.was_idle()


def test_a_pause_after_busy_times_counts_less_than_one_at_the_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks(monkeypatch)
    fresh, busy = Line(), Line()
    clocks.wait(fresh, 0.004, busy=0.6)
    assert fresh.was_idle()
    clocks.wait(busy, 0.004, busy=1)
    assert not busy.was_idle()
    clocks.wait(busy, 0.004, busy=0.7)
    assert not busy.was_idle()
    clocks.wait(busy, 0.004, busy=0.6)
    assert busy.was_idle()
    clocks.wait(busy, 0.004, busy=0.9)
    assert not busy.was_idle(), "what was found is not held against it"
