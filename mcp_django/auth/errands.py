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


class Errand(Generic[T]):
    """One function that a thread of the pool runs. Cancelling its future keeps it from beginning, not from ending.

    Its future is the loop's own: one of ``concurrent.futures`` that is wrapped would cost more than the hop itself.
    """

    def __init__(self, fn: Callable[[], T]) -> None:
        self._fn = fn
        self._pool = get_own_pool()
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[T] = self._loop.create_future()

    def begin(self) -> None:
        """Take a thread, or wait in line for one."""
        if (worker := self._pool.borrow(self)) is not None:
            self.start(worker)

    def start(self, worker: Worker) -> None:
        """Run on the given thread."""
        worker.put(partial(self._run, worker))

    def _run(self, worker: Worker) -> None:
        if self.future.cancelled():
            self._pool.give_back(worker)
            return
        try:
            begin_work()
            result = self._fn()
        except BaseException as error:
            finish_work(self._pool, worker)
            self._tell(self.future.set_exception, error)
        else:
            finish_work(self._pool, worker)  # first, so that the next errand finds this thread
            self._tell(self.future.set_result, result)

    def _tell(self, settle: Callable[[Any], None], outcome: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._settle, settle, outcome)

    def _settle(self, settle: Callable[[Any], None], outcome: Any) -> None:
        if not self.future.done():
            settle(outcome)


async def on_errand(fn: Callable[[], T]) -> T:
    """Run ``fn`` on a thread that keeps its database connections, and return what it returns.

    Below an ``async_to_sync`` it runs on the thread that waits there: in a ``TestCase``, inside its transaction.
    """
    if getattr(AsyncToSync.executors, "current", None) is not None:
        return await sync_to_async(fn)()
    errand = Errand(fn)
    errand.begin()
    return await errand.future
