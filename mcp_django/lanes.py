"""On which thread the sync code of a call runs: all of it on one.

The first piece of sync code of a call (a sync tool, or the ORM inside an async one) takes a thread from the pool, and
every later piece of the same call runs on that thread, so that cursors, transactions and thread-locals behave as in a
Django view. When the call is over, the thread does what Django does between requests, ``close_old_connections()``, if
that has anything to do, and goes back. docs/decisions/0004 has the measurements behind this.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from contextvars import ContextVar
from functools import partial
from threading import Lock
from typing import Any, Self, TypeVar

from asgiref.sync import SyncToAsync, ThreadSensitiveContext

from mcp_django.threads import Pool, Worker, begin_work, finish_work, has_work_to_finish

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Lane:
    """The thread of one call, taken when first needed: ``with Lane(pool): ...`` around the call.

    asgiref runs thread-sensitive code (``sync_to_async`` and every async method of the ORM) here, unless an outer
    ``async_to_sync`` has a thread of its own, as in ``TestCase``: then there, inside the test's transaction.
    """

    __slots__ = ("_backlog", "_closed", "_pool", "_tokens", "_unfinished", "_worker")
    _lock = Lock()  # one for all lanes: it is held for a moment only, and making one costs each call more

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._worker: Worker | None = None
        self._backlog: list[Callable[[], None]] | None = None
        self._unfinished = 0  # pieces of work
        self._closed = False

    def __enter__(self) -> Self:
        self._tokens = _lane.set(self), SyncToAsync.thread_sensitive_context.set(_every_call)
        return self

    def __exit__(self, *exc_info: object) -> None:
        lane, context = self._tokens
        _lane.reset(lane)
        SyncToAsync.thread_sensitive_context.reset(context)
        with self._lock:
            self._closed = True
            worker, backlog, self._backlog = self._worker, self._backlog, None
            at_rest = not self._unfinished
        if worker is None:
            if backlog is not None:
                self._pool.forget(self)
        elif at_rest and not worker.unfinished:  # to wake the thread would cost as much as a small query
            self._pool.give_back(worker)
        else:
            worker.put(lambda: finish_work(self._pool, worker))  # behind what a cancelled call may have left running

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run ``fn`` on the call's thread. Raises ``RuntimeError`` when the call is over."""
        future: Future[T] = Future()
        job = self._job(future, partial(fn, *args, **kwargs))
        with self._lock:
            if self._closed:
                raise RuntimeError("The MCP call is over: a task that it left behind can't run sync code any more.")
            self._unfinished += 1
            if self._worker is not None:
                self._worker.put(job)
                return future
            if self._backlog is not None:
                self._backlog.append(job)
                return future
            self._backlog = [job]
        if (worker := self._pool.borrow(self)) is not None:
            self.start(worker)
        return future

    def start(self, worker: Worker) -> None:
        """Begin on the given thread with what has been waiting."""
        with self._lock:
            backlog, self._backlog = self._backlog, None
            if backlog is not None:
                self._worker = worker
                worker.put(partial(_begin, backlog))
                return
        self._pool.give_back(worker)  # the call ended while it waited

    def _job(self, future: Future[T], fn: Callable[[], T]) -> Callable[[], None]:
        def job() -> None:
            if not future.set_running_or_notify_cancel():
                self._end_piece()
                return
            try:
                result = fn()
            except BaseException as error:
                self._end_piece()
                future.set_exception(error)
            else:
                self._end_piece()
                future.set_result(result)

        return job

    def _end_piece(self) -> None:
        """Note what the thread has to do still, before the call hears that this piece of work is done."""
        unfinished = has_work_to_finish()
        with self._lock:
            self._unfinished -= 1
            if self._worker is not None:
                self._worker.unfinished = unfinished


_lane: ContextVar[Lane] = ContextVar("mcp_django_lane")


class _CurrentLane(Executor):
    """Hands sync code to the lane of the call that asks: an entry of its own in asgiref's dict would cost more."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        return _lane.get().submit(fn, *args, **kwargs)


_every_call = ThreadSensitiveContext()
SyncToAsync.context_to_thread_executor[_every_call] = _CurrentLane()


def _begin(jobs: Iterable[Callable[[], None]]) -> None:
    """Prepare a thread for a call, and do the first pieces of its work."""
    try:
        begin_work()
    except Exception:
        logger.exception("Preparing a thread for a call failed.")
    for job in jobs:
        job()


def _forget_lock() -> None:
    """Start over with a new lock, as a forked child must: whoever held it is not there."""
    Lane._lock = Lock()


os.register_at_fork(after_in_child=_forget_lock)
