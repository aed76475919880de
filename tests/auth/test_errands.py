"""Short work on threads: told of together, and none of it lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from threading import Event, current_thread
from typing import Any

import pytest

from mcp_django import threads
from mcp_django.auth import errands
from mcp_django.auth.errands import MAX_TOGETHER, on_errand
from mcp_django.threads import Pool

pytestmark = pytest.mark.anyio


class Held:
    """A pool of one thread, which is at work until it may go on."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.began, self.go_on = Event(), Event()

    async def hold(self) -> None:
        """Keep the thread busy."""
        self.holding = asyncio.ensure_future(on_errand(self._hold))
        await asyncio.get_running_loop().run_in_executor(None, self.began.wait, 5)

    def _hold(self) -> None:
        self.began.set()
        assert self.go_on.wait(5)

    async def line(self, *work: Callable[[], Any]) -> list[asyncio.Task[Any]]:
        """Put work in line behind it."""
        tasks = [asyncio.ensure_future(on_errand(each)) for each in work]
        await asyncio.sleep(0)
        assert len(self.pool._waiting) == len(work)
        return tasks

    async def end(self) -> None:
        self.go_on.set()
        await self.holding


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    pool = Pool(1)
    monkeypatch.setattr(errands, "get_own_pool", lambda: pool)
    yield Held(pool)
    pool.close()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many errands each change of threads told of."""
    counts: list[int] = []
    settle_all = errands._settle_all

    def counting(settled: list[Any]) -> None:
        counts.append(len(settled))
        settle_all(settled)

    monkeypatch.setattr(errands, "_settle_all", counting)
    return counts


async def test_an_errand_is_run_on_a_thread_and_returns_or_raises() -> None:
    assert await on_errand(lambda: current_thread().name) != current_thread().name
    with pytest.raises(ZeroDivisionError):
        await on_errand(lambda: 1 / 0)


async def test_those_that_wait_in_line_are_told_of_together_in_their_order(held: Held, told: list[int]) -> None:
    done: list[int] = []
    await held.hold()
    tasks = await held.line(*[lambda number=number: done.append(number) or number for number in range(5)])  # type: ignore[misc]
    await held.end()
    assert await asyncio.gather(*tasks) == done == list(range(5))
    assert told == [1, 5]


async def test_only_so_many_are_run_before_the_first_is_told(held: Held, told: list[int]) -> None:
    await held.hold()
    tasks = await held.line(*[int] * (MAX_TOGETHER + 3))
    await held.end()
    await asyncio.gather(*tasks)
    assert told == [1, MAX_TOGETHER, 3]


async def test_one_that_fails_fails_alone_and_the_next_finds_a_connection_that_works(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    begin, finish = errands.begin_work, errands.finish_work
    monkeypatch.setattr(errands, "begin_work", lambda: (steps.append("begin"), begin()))
    monkeypatch.setattr(errands, "finish_work", lambda *each: (steps.append("finish"), finish(*each)))
    await held.hold()
    tasks = await held.line(lambda: 1, lambda: 1 / 0, lambda: 3, lambda: 4)
    await held.end()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert (results[0], *results[2:]) == (1, 3, 4)
    assert isinstance(results[1], ZeroDivisionError)
    assert steps == ["begin", "finish", "begin", "begin", "finish"]


async def test_what_no_future_can_hold_keeps_nobody_waiting(held: Held) -> None:
    await held.hold()
    tasks = await held.line(lambda: next(iter([])), lambda: 2)
    await held.end()
    async with asyncio.timeout(5):
        failed, done = await asyncio.gather(*tasks, return_exceptions=True)
    assert (str(failed), done) == ("The errand raised StopIteration().", 2)


async def test_one_that_is_cancelled_in_line_never_begins(held: Held) -> None:
    done: list[int] = []
    await held.hold()
    tasks = await held.line(lambda: done.append(1), lambda: done.append(2), lambda: done.append(3))
    tasks[0].cancel()
    tasks[1].cancel()
    await asyncio.sleep(0)
    await held.end()
    await tasks[2]
    assert done == [3]
    assert all(task.cancelled() for task in tasks[:2])
    assert held.pool.busy == 0


async def test_when_all_are_cancelled_the_thread_goes_back(held: Held) -> None:
    await held.hold()
    tasks = await held.line(int, int)
    for task in tasks:
        task.cancel()
    await asyncio.sleep(0)
    await held.end()
    async with asyncio.timeout(5):
        while held.pool.busy:
            await asyncio.sleep(0.001)
        assert await on_errand(lambda: 1) == 1


async def test_work_of_another_kind_keeps_its_place_in_line(held: Held, told: list[int]) -> None:
    class Other:
        begun = Event()

        def start(self, worker: threads.Worker) -> None:
            self.begun.set()
            held.pool.give_back(worker)

    other = Other()
    await held.hold()
    tasks = await held.line(int, int)
    assert held.pool.borrow(other) is None
    tasks += [asyncio.ensure_future(on_errand(int))]
    await asyncio.sleep(0)
    await held.end()
    await asyncio.gather(*tasks)
    assert other.begun.is_set()
    assert told == [1, 2, 1]
