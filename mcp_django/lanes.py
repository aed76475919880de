"""On which thread the sync code of a call runs.

A sync function runs on a thread of the pool, as a Django view does, and leaves it when it returns (``on_thread``).

An async one has a ``Lane``. Its first piece of sync code (the ORM, mostly) takes a thread from the pool, and every
later piece of the same call runs on that thread, so that cursors, transactions and thread-locals behave as in a Django
view. When the call is over, the thread does what Django does between requests, ``close_old_connections()``, if that has
anything to do, and goes back. docs/decisions/0004 has the measurements behind this; ``turns`` says when it runs. Before
that, while the call has only read with the ORM, it takes a thread for each read, and keeps none (``reads``).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from contextvars import ContextVar
from functools import partial
from typing import Any, Protocol, Self, TypeVar

from asgiref.sync import AsyncToSync, SyncToAsync, ThreadSensitiveContext

from mcp_django.reads import leaves_nothing
from mcp_django.threads import (
    Pool,
    Worker,
    begin_work,
    finish_work,
    get_own_pool,
    get_pool,
    has_work_to_finish,
)
from mcp_django.turns import Job, Outcome, Turns, Visit, get_turns

logger = logging.getLogger(__name__)

T = TypeVar("T")

CALL_IS_OVER = "The MCP call is over: a task that it left behind can't run sync code any more."


class Lane:
    """The thread of one async call, taken when first needed: ``with Lane(pool): ...`` around the call.

    asgiref runs thread-sensitive code (``sync_to_async`` and every async method of the ORM) here, unless an outer
    ``async_to_sync`` has a thread of its own, as in ``TestCase``: then there, inside the test's transaction.

    All of it but ``start`` is for the loop of the call.
    """

    __slots__ = ("_backlog", "_pool", "_reading", "_tokens", "_turns", "begun", "closed", "unfinished", "worker")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._backlog: list[Piece] | None = None
        """Pieces that wait for a thread. ``None``: nobody has asked for one."""

        self._reading: asyncio.Future[Any] | None = None
        """The last read before that."""

        self.worker: Worker | None = None
        self.unfinished = 0
        """Pieces of which nobody has heard yet that they ended."""

        self.begun = False
        """Whether the thread has been prepared for this call."""

        self.closed = False

    def __enter__(self) -> Self:
        self._tokens = current_lane.set(self), sensitive_to.set(EVERY_CALL)
        return self

    def __exit__(self, *exc_info: object) -> None:
        lane, context = self._tokens
        current_lane.reset(lane)
        sensitive_to.reset(context)
        self.close()

    def close(self) -> None:
        """Give the thread back: the call is over."""
        self.closed = True
        if self._backlog is None:
            return
        if (worker := self.worker) is None:
            self._pool.forget(self)
            for piece in self._backlog:
                piece.refuse()
                piece.settle()
        elif not self.unfinished and not worker.unfinished:  # to wake the thread would cost as much as a small query
            self._pool.give_back(worker)
        else:
            worker.put(lambda: finish_work(self._pool, worker))  # behind what a cancelled call may have left running

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> asyncio.Future[T]:
        """Run ``fn`` on the call's thread, or on any while it has only read.

        Raises:
            RuntimeError: the call is over, or the system has no thread.
        """
        if self.closed:
            raise RuntimeError(CALL_IS_OVER)
        if self._backlog is None:
            self._turns, reading = get_turns(), self._reading
            if reading is not None and not reading.done():  # one after the other, as on one thread
                reading.add_done_callback(self._bind)
            elif leaves_nothing(fn, again=reading is not None):
                self._reading = _visit(self._turns, self._pool, partial(fn, *args, **kwargs))
                return self._reading
            else:
                self.worker = self._pool.borrow(self)
            self._backlog = []
        piece = Piece(self, self._turns, partial(fn, *args, **kwargs))
        self.unfinished += 1
        if self.worker is None:
            self._backlog.append(piece)
        else:
            self._turns.add(piece)
        return piece.outcome.future

    def _bind(self, _: object) -> None:
        """Take a thread for what has waited until a read was over."""
        if self.closed:
            return
        try:
            worker = self._pool.borrow(self)
        except RuntimeError as error:  # the system has no thread left
            backlog, self._backlog = self._backlog, None
            for piece in backlog or ():
                piece.outcome.fail(error)
                piece.settle()
        else:
            if worker is not None:
                self._take(worker)

    def start(self, worker: Worker) -> None:
        """Begin on the given thread with what has been waiting. On any thread."""
        try:
            self._turns.loop.call_soon_threadsafe(self._take, worker)
        except RuntimeError:  # the loop is closed
            self._pool.give_back(worker)

    def _take(self, worker: Worker) -> None:
        if self.closed:  # the call ended while it waited
            self._pool.give_back(worker)
            return
        self.worker = worker
        for piece in self._backlog or ():
            self._turns.add(piece)


class Piece(Job):
    """One piece of an async call's sync code."""

    __slots__ = ("_fn", "_lane", "outcome")

    def __init__(self, lane: Lane, turns: Turns, fn: Callable[[], Any]) -> None:
        super().__init__(turns)
        self._lane, self._fn = lane, fn
        self.outcome = Outcome(turns.loop)

    def launch(self) -> bool:
        worker = self._lane.worker
        if self._lane.closed or worker is None:
            self.refuse()
            self.turns.refuse(self)
            return False
        worker.put(partial(self._run, worker))
        return True

    def _run(self, worker: Worker) -> None:
        if self._lane.closed:
            self.refuse()
        else:
            if not self._lane.begun:
                self._lane.begun = True
                _prepare()
            self.outcome.of(self._fn)
            worker.unfinished = has_work_to_finish()  # before the call hears of it
        self.turns.end(self)

    def refuse(self) -> None:
        """Note that the call is over: only a task that it left behind can still wait for this."""
        self.outcome.fail(RuntimeError(CALL_IS_OVER))

    def settle(self) -> None:
        self._lane.unfinished -= 1
        self.outcome.settle()


class Whole(Visit):
    """A sync function, which is all the sync code of its call, or a read, of which nothing stays."""

    __slots__ = ("_fn", "outcome")

    def __init__(self, turns: Turns, pool: Pool, fn: Callable[[], Any]) -> None:
        super().__init__(turns, pool)
        self._fn = fn
        self.outcome = Outcome(turns.loop)

    def wait_in_line(self) -> None:
        self.outcome.future.add_done_callback(lambda _: self._pool.forget(self))

    def run(self) -> None:
        _prepare()
        self.outcome.of(self._fn)

    def fail(self, error: BaseException) -> None:
        self.outcome.fail(error)

    def settle(self) -> None:
        self.outcome.settle()


def _visit(turns: Turns, pool: Pool, fn: Callable[[], T]) -> asyncio.Future[T]:
    """Run a function on whichever thread of a pool is free, and return what tells of it. On the loop."""
    whole = Whole(turns, pool, fn)
    turns.add(whole)
    return whole.outcome.future


def _prepare() -> None:
    """Prepare a thread for a call."""
    try:
        begin_work()
    except Exception:
        logger.exception("Preparing a thread for a call failed.")


class Taker(Protocol):
    """Takes the sync code of an async call: a lane, or what makes one when there is first something to run."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> asyncio.Future[T]:
        """Run it on the call's thread."""


current_lane: ContextVar[Taker] = ContextVar("mcp_django_lane")

sensitive_to = SyncToAsync.thread_sensitive_context
"""Where asgiref looks for whoever takes the sync code. For whoever sets it to ``EVERY_CALL``: the current lane."""

EVERY_CALL = ThreadSensitiveContext()


class _CurrentLane(Executor):
    """Hands sync code to the lane of the call that asks: an entry of its own in asgiref's dict would cost more."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Any:
        return current_lane.get().submit(fn, *args, **kwargs)


SyncToAsync.context_to_thread_executor[EVERY_CALL] = _CurrentLane()


class _Anywhere(Executor):
    """Hands sync code to whichever thread of a pool is free."""

    def __init__(self, find_pool: Callable[[], Pool]) -> None:
        self._find_pool = find_pool

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Any:
        return _visit(get_turns(), self._find_pool(), partial(fn, *args, **kwargs))


Hop = Callable[[Callable[..., Any], tuple[Any, ...]], Coroutine[Any, Any, Any]]


def _hop(find_pool: Callable[[], Pool] | None) -> Hop:
    """Return what runs a function elsewhere. Made once: making one takes asgiref longer than many a function runs."""
    executor: Any = None if find_pool is None else _Anywhere(find_pool)
    return SyncToAsync(lambda fn, args: fn(*args), thread_sensitive=find_pool is None, executor=executor)


_to_pool, _to_own_pool = _hop(get_pool), _hop(get_own_pool)

to_lane = _hop(None)
"""Calls a function on the thread of the async call, or on the one that waits below an ``async_to_sync``."""


async def on_thread(fn: Callable[..., T], *args: Any) -> T:
    """Call an author's sync function on a thread that keeps its database connections, as Django would a view.

    Below an ``async_to_sync`` it runs on the thread that waits there: in a ``TestCase``, inside its transaction.
    """
    result: T = await _unless_one_waits(_to_pool)(fn, args)
    return result


async def on_own_thread(fn: Callable[..., T], *args: Any) -> T:
    """Call a function of our own in the same way. It need not wait until authors' functions leave a thread."""
    result: T = await _unless_one_waits(_to_own_pool)(fn, args)
    return result


def _unless_one_waits(hop: Hop) -> Hop:
    return hop if getattr(AsyncToSync.executors, "current", None) is None else to_lane
