"""Short work on threads: told of together, and none of it lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from threading import Event, current_thread, get_ident
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from mcp_django import turns
from mcp_django.auth import errands
from mcp_django.auth.errands import MAX_TOGETHER, Company, on_common_errand, on_errand
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
        async with asyncio.timeout(5):
            while sum(map(len, self.pool._waiting)) < len(work):  # type: ignore[arg-type]
                await asyncio.sleep(0.001)
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
    """How many errands each company that has ended consisted of."""
    counts: list[int] = []
    settle = Company.settle

    def counting(company: Company) -> None:
        counts.append(len(company))
        settle(company)

    monkeypatch.setattr(Company, "settle", counting)
    return counts


async def test_an_errand_is_run_on_a_thread_and_returns_or_raises() -> None:
    assert await on_errand(lambda: current_thread().name) != current_thread().name
    with pytest.raises(ZeroDivisionError):
        await on_errand(lambda: 1 / 0)


def test_below_an_async_to_sync_it_runs_on_the_thread_that_waits() -> None:
    assert async_to_sync(on_errand)(get_ident) == get_ident()


async def test_those_that_come_at_once_are_run_and_told_of_together_in_their_order(told: list[int]) -> None:
    done: list[int] = []
    work = [lambda number=number: done.append(number) or number for number in range(5)]  # type: ignore[misc]
    assert await asyncio.gather(*map(on_errand, work)) == done == list(range(5))
    assert told == [5]


async def test_those_that_wait_in_line_are_run_together(held: Held, told: list[int]) -> None:
    await held.hold()
    tasks = await held.line(*[int] * 5)
    await held.end()
    await asyncio.gather(*tasks)
    assert told == [1, 5]


async def test_only_so_many_are_run_before_the_first_is_told(held: Held, told: list[int]) -> None:
    await held.hold()
    tasks = await held.line(*[int] * (MAX_TOGETHER + 3))
    await held.end()
    await asyncio.gather(*tasks)
    assert told == [1, MAX_TOGETHER, 3]


async def test_a_function_of_several_arguments_is_called_once_for_those_that_come_at_once() -> None:
    called: list[list[int]] = []

    def double(numbers: list[int]) -> list[int]:
        called.append(numbers)
        return [2 * number for number in numbers]

    assert await asyncio.gather(*[on_common_errand(double, number) for number in (3, 1, 3)]) == [6, 2, 6]
    assert await on_common_errand(double, 4) == 8
    assert called == [[3, 1, 3], [4]]


async def test_a_function_that_fails_for_several_is_called_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[list[int]] = []
    begun: list[int] = []
    begin = errands.begin_work
    monkeypatch.setattr(errands, "begin_work", lambda: (begun.append(1), begin()))

    def invert(numbers: list[int]) -> list[float]:
        called.append(numbers)
        return [1 / number for number in numbers]

    results = await asyncio.gather(*[on_common_errand(invert, number) for number in (1, 0, 2)], return_exceptions=True)
    assert (results[0], results[2]) == (1, 0.5)
    assert isinstance(results[1], ZeroDivisionError)
    assert called == [[1, 0, 2], [1], [0], [2]]
    assert len(begun) == 4, "each finds a connection that works"


async def test_a_function_that_returns_too_few_results_fails() -> None:
    with pytest.raises(ValueError, match="shorter"):
        await on_common_errand(lambda _: [], 1)


async def test_one_that_fails_fails_alone_and_the_next_finds_a_connection_that_works(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    begin, finish = errands.begin_work, turns.finish_work
    monkeypatch.setattr(errands, "begin_work", lambda: (steps.append("begin"), begin()))
    monkeypatch.setattr(turns, "finish_work", lambda *each: (steps.append("finish"), finish(*each)))
    await held.hold()
    tasks = await held.line(lambda: 1, lambda: 1 / 0, lambda: 3)
    await held.end()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert (results[0], results[2]) == (1, 3)
    assert isinstance(results[1], ZeroDivisionError)
    assert steps == ["begin", "finish", "begin", "begin", "begin", "finish"]


async def test_what_no_future_can_hold_keeps_nobody_waiting(held: Held) -> None:
    await held.hold()
    tasks = await held.line(lambda: next(iter([])), lambda: 2)
    await held.end()
    async with asyncio.timeout(5):
        failed, done = await asyncio.gather(*tasks, return_exceptions=True)
    assert (str(failed), done) == ("Sync code raised StopIteration().", 2)


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


async def test_when_all_are_cancelled_they_leave_the_line_and_the_next_is_run(held: Held) -> None:
    await held.hold()
    tasks = await held.line(int, int)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert not held.pool._waiting
    (late,) = await held.line(lambda: 1)
    await held.end()
    assert await late == 1
    assert held.pool.busy == 0


async def test_when_the_system_has_no_thread_left_all_of_them_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    def borrow(company: Any) -> None:
        raise RuntimeError("can't start new thread")

    pool = Pool(1)
    monkeypatch.setattr(pool, "borrow", borrow)
    monkeypatch.setattr(errands, "get_own_pool", lambda: pool)
    results = await asyncio.gather(on_errand(int), on_errand(int), return_exceptions=True)
    assert [str(each) for each in results] == ["can't start new thread"] * 2
