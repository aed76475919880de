"""Short database work of our own, in one hop to a thread and back.

``lanes.Lane`` keeps its thread for all of a call, through asgiref, and costs three times as much.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Generic, TypeVar

from asgiref.sync import AsyncToSync, sync_to_async

from mcp_django.threads import Worker, begin_work, finish_work, get_own_pool

T = TypeVar("T")

MAX_TOGETHER = 8
"""Most errands that a thread runs before it tells of the first."""


class Errand(Generic[T]):
    """One function that a thread of the pool runs. Cancelling its future keeps it from beginning, not from ending.

    Its future is the loop's own: one of ``concurrent.futures`` that is wrapped would cost more than the hop itself.
    Those that wait in line when a thread begins are run by it as well, and told of together: to change from thread to
    thread costs as much as the query for a token.
    """

    def __init__(self, fn: Callable[[], T]) -> None:
        self._fn = fn
        self._pool = get_own_pool()
        self._loop = asyncio.get_running_loop()
        self._settle: Callable[[], None] | None = None
        self.future: asyncio.Future[T] = self._loop.create_future()

    def begin(self) -> None:
        """Take a thread, or wait in line for one."""
        if (worker := self._pool.borrow(self)) is not None:
            self.start(worker)

    def start(self, worker: Worker) -> None:
        """Run on the given thread."""
        worker.put(partial(self._run_all, worker))

    def _run_all(self, worker: Worker) -> None:
        together: list[Errand[Any]] = [self, *self._pool.take_waiting(Errand, MAX_TOGETHER - 1)]
        wanted = [each for each in together if not each.future.cancelled()]
        prepared = False
        for errand in wanted:
            prepared = errand._run(prepared=prepared)
        if wanted:
            finish_work(self._pool, worker)  # first, so that the next errand finds this thread
        else:
            self._pool.give_back(worker)
        for loop in dict.fromkeys(errand._loop for errand in wanted):
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_settle_all, [each for each in wanted if each._loop is loop])

    def _run(self, *, prepared: bool) -> bool:
        """Run the function. Returns whether the thread is ready for the next one."""
        try:
            if not prepared:
                begin_work()
            self._settle = partial(self.future.set_result, self._fn())
        except StopIteration as error:  # which no future can hold: nobody after it would be told either
            self._settle = partial(self.future.set_exception, RuntimeError(f"The errand raised {error!r}."))
            return False
        except BaseException as error:
            self._settle = partial(self.future.set_exception, error)
            return False
        return True

    def settle(self) -> None:
        """Tell whoever waits, on their loop, what came of it."""
        if self._settle is not None and not self.future.done():
            self._settle()
        self._settle = None  # it holds the future, which may hold an exception that leads back here


def _settle_all(errands: list[Errand[Any]]) -> None:
    for errand in errands:
        errand.settle()


async def on_errand(fn: Callable[[], T]) -> T:
    """Run ``fn`` on a thread that keeps its database connections, and return what it returns.

    Below an ``async_to_sync`` it runs on the thread that waits there: in a ``TestCase``, inside its transaction.
    """
    if getattr(AsyncToSync.executors, "current", None) is not None:
        return await sync_to_async(fn)()
    errand = Errand(fn)
    errand.begin()
    return await errand.future
