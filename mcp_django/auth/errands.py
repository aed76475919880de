"""Short database work of our own: that of all requests which the loop found waiting, in one hop to a thread and back.

It needs nothing of what asgiref does for authors' functions (``lanes.on_thread``), which would cost as much as a query.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, TypeVar

from asgiref.sync import AsyncToSync, sync_to_async

from mcp_django.threads import Pool, begin_work, get_own_pool
from mcp_django.turns import Outcome, Turns, Visit, get_turns

A = TypeVar("A")
T = TypeVar("T")

MAX_TOGETHER = 8
"""Most errands that a thread runs before it tells of the first."""


class Errand(Outcome):
    """One of the arguments of a function that takes several. Cancelling its future keeps it from beginning."""

    __slots__ = ("argument", "fn")

    def __init__(self, loop: asyncio.AbstractEventLoop, fn: Callable[[list[A]], Sequence[T]], argument: A) -> None:
        super().__init__(loop)
        self.fn, self.argument = fn, argument


class Company(Visit):
    """Errands that one thread runs, and tells of together: to change threads costs as much as the query for a token."""

    __slots__ = ("_begun", "_errands", "_lock")

    def __init__(self, turns: Turns, pool: Pool) -> None:
        super().__init__(turns, pool)
        self._errands: list[Errand] = []
        self._begun = False
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._errands)

    def admit(self, errand: Errand) -> bool:
        """Let an errand join. ``False``: the thread has begun, or there are enough."""
        with self._lock:
            if self._begun or len(self._errands) >= MAX_TOGETHER:
                return False
            self._errands.append(errand)
            return True

    def run(self) -> None:
        with self._lock:
            self._begun = True
        of_a_kind: dict[Any, list[Errand]] = {}
        for errand in self._errands:
            if not errand.future.cancelled():
                of_a_kind.setdefault(errand.fn, []).append(errand)
        for errands in of_a_kind.values():
            _do(errands)

    def leave(self, errand: Errand) -> None:
        """Let go of an errand that nobody wants any more, and leave the pool's line if it was the last."""
        with self._lock:
            if not self._begun:
                self._errands.remove(errand)
                self._begun = not self._errands
        if not self._errands:
            self._pool.forget(self)

    def fail(self, error: BaseException) -> None:
        with self._lock:
            self._begun = True
        for errand in self._errands:
            errand.fail(error)

    def settle(self) -> None:
        if _here.company is self:
            _here.company = None
        for errand in self._errands:
            errand.settle()


def _do(errands: list[Errand]) -> None:
    """Call the function of these errands: once for all, and when that fails, for each."""
    try:
        begin_work()
        results = errands[0].fn([errand.argument for errand in errands])
        for errand, result in zip(errands, results, strict=True):
            errand.succeed(result)
    except BaseException as error:
        if len(errands) == 1:
            errands[0].fail(error)
            return
        for errand in errands:
            _do([errand])


class _Here(threading.local):
    """The company that gathers in this thread."""

    company: Company | None = None


_here = _Here()


async def on_errand(fn: Callable[[], T]) -> T:
    """Run ``fn`` on a thread that keeps its database connections, and return what it returns.

    Below an ``async_to_sync`` it runs on the thread that waits there: in a ``TestCase``, inside its transaction.
    """
    return await on_common_errand(lambda _: [fn()], None)


async def on_common_errand(fn: Callable[[list[A]], Sequence[T]], argument: A) -> T:
    """Run ``fn`` for this argument and those which others have for it in the same moment; return the result for this.

    What it reads, it reads after all of them have asked. When it raises, it is called again for each of them alone.
    """
    if getattr(AsyncToSync.executors, "current", None) is not None:
        return (await sync_to_async(fn)([argument]))[0]
    turns = get_turns()
    errand = Errand(turns.loop, fn, argument)
    company = _here.company
    if company is None or company.turns is not turns or not company.admit(errand):
        company = _here.company = Company(turns, get_own_pool())
        company.admit(errand)
        turns.add(company)
    try:
        result: T = await errand.future
        return result
    except asyncio.CancelledError:
        company.leave(errand)
        raise
