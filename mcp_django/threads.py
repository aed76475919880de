"""Where sync code runs: a bounded pool of threads whose database connections live on from call to call.

A call gets one lane. The first piece of sync code that runs in it (a sync tool, or the ORM inside an async one) takes a
thread from the pool, and every later piece of the same call runs on that thread, so that cursors, transactions and
thread-locals behave as in a Django view. When the call is over, the thread does what Django does between requests,
``close_old_connections()``, and goes back. docs/decisions/0004 has the measurements behind this.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextvars import ContextVar
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import Any, Protocol, Self, TypeVar

from asgiref.sync import SyncToAsync, ThreadSensitiveContext
from django.core.signals import setting_changed
from django.db import close_old_connections, connections, reset_queries
from django.dispatch import receiver

from mcp_django.conf import get_settings

logger = logging.getLogger(__name__)

IDLE_SECONDS = 60
"""A thread that nobody wanted for this long closes its connections and ends."""

REPORT_SECONDS = 60
"""A pool with no thread left says so in the log at most this often."""

T = TypeVar("T")


class Starter(Protocol):
    """What waits in line for a thread."""

    def start(self, worker: Worker) -> None:
        """Begin on the given thread."""


class Worker(Thread):
    """One thread. A daemon: a tool that never returns must not keep the process from ending."""

    def __init__(self, pool: Pool, number: int) -> None:
        super().__init__(name=f"mcp_django-{number}", daemon=True)
        self._pool = pool
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self.start()

    def put(self, job: Callable[[], None] | None) -> None:
        """Run a job after those before it; ``None`` is the last."""
        self._jobs.put(job)

    def run(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=IDLE_SECONDS)
            except Empty:
                if self._pool.retire(self):
                    break
                continue
            if job is None:
                break
            try:
                job()
            except Exception:
                logger.exception("Preparing a thread for a call failed.")
        connections.close_all()


class Pool:
    """Some threads of this process, at most ``size`` of them; those used last first.

    Args:
        limit: what the log calls their number.
    """

    def __init__(self, size: int, limit: str = "MAX_THREADS") -> None:
        self.size, self._limit = size, limit
        self._lock = Lock()
        self._idle: list[Worker] = []
        self._waiting: deque[Starter] = deque()
        self._count = 0
        self._started = 0
        self._reported = float("-inf")

    @property
    def busy(self) -> int:
        """How many threads are at work."""
        with self._lock:
            return self._count - len(self._idle)

    def borrow(self, lane: Starter) -> Worker | None:
        """Return a thread for the lane, or ``None``: then it waits in line and its ``start`` is called."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
            if self._count < self.size:
                self._count += 1
                self._started += 1
                return Worker(self, self._started)
            self._waiting.append(lane)
            waiting, unreported = len(self._waiting), monotonic() - self._reported > REPORT_SECONDS
            self._reported = monotonic() if unreported else self._reported
        if unreported:
            logger.warning(
                "All %d threads (%s) are busy; sync code of %d calls waits.", self.size, self._limit, waiting
            )
        return None

    def give_back(self, worker: Worker) -> None:
        """Hand the thread to the lane that has waited longest, or keep it."""
        with self._lock:
            if not self._waiting:
                self._idle.append(worker)
                return
            lane = self._waiting.popleft()
        lane.start(worker)

    def forget(self, lane: Lane) -> None:
        """Take a lane out of the line."""
        with self._lock:
            if lane in self._waiting:
                self._waiting.remove(lane)

    def retire(self, worker: Worker) -> bool:
        """Whether the thread may end: nobody has borrowed it in this very moment."""
        with self._lock:
            if worker not in self._idle:
                return False
            self._idle.remove(worker)
            self._count -= 1
            return True

    def close(self) -> None:
        """End all idle threads, and wait until they have closed their database connections."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._count -= len(idle)
        for worker in idle:
            worker.put(None)
        for worker in idle:
            worker.join(timeout=5)


class Lane:
    """The thread of one call, taken when first needed: ``with Lane(pool): ...`` around the call.

    asgiref runs thread-sensitive code (``sync_to_async`` and every async method of the ORM) here, unless an outer
    ``async_to_sync`` has a thread of its own, as in ``TestCase``: then there, inside the test's transaction.
    """

    __slots__ = ("_backlog", "_closed", "_pool", "_tokens", "_used", "_worker")
    _lock = Lock()  # one for all lanes: it is held for a moment only, and most calls never need it

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._worker: Worker | None = None
        self._backlog: list[Callable[[], None]] | None = None
        self._closed = self._used = False

    def __enter__(self) -> Self:
        self._tokens = _lane.set(self), SyncToAsync.thread_sensitive_context.set(_every_call)
        return self

    def __exit__(self, *exc_info: object) -> None:
        lane, context = self._tokens
        _lane.reset(lane)
        SyncToAsync.thread_sensitive_context.reset(context)
        if not self._used:  # no other thread knows of this lane
            self._closed = True
            return
        with self._lock:
            self._closed = True
            worker, backlog, self._backlog = self._worker, self._backlog, None
        if worker is not None:
            worker.put(lambda: finish_work(self._pool, worker))  # behind what a cancelled call may have left running
        elif backlog is not None:
            self._pool.forget(self)

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run ``fn`` on the call's thread. Raises ``RuntimeError`` when the call is over."""
        future: Future[T] = Future()
        job = _job(future, lambda: fn(*args, **kwargs))
        self._used = True
        with self._lock:
            if self._closed:
                raise RuntimeError("The MCP call is over: a task that it left behind can't run sync code any more.")
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
                worker.put(begin_work)
                for job in backlog:
                    worker.put(job)
                return
        self._pool.give_back(worker)  # the call ended while it waited


_lane: ContextVar[Lane] = ContextVar("mcp_django_lane")


class _CurrentLane(Executor):
    """Hands sync code to the lane of the call that asks: an entry of its own in asgiref's dict would cost more."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        return _lane.get().submit(fn, *args, **kwargs)


_every_call = ThreadSensitiveContext()
SyncToAsync.context_to_thread_executor[_every_call] = _CurrentLane()


def _job(future: Future[T], fn: Callable[[], T]) -> Callable[[], None]:
    def job() -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = fn()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)

    return job


def begin_work() -> None:
    """Do what Django does on ``request_started``."""
    reset_queries()
    close_old_connections()


def finish_work(pool: Pool, worker: Worker) -> None:
    """Do what Django does on ``request_finished``, then give the thread back."""
    try:
        close_old_connections()
    except Exception:
        logger.exception("Closing old database connections failed.")
    finally:
        pool.give_back(worker)


_pools: dict[str, Pool] = {}

OWN_THREADS = 2
"""Threads for the sessions' own database work, which must go on when every other thread waits for a client's answer."""


def get_pool() -> Pool:
    """Return the pool of this process for the code of authors."""
    if "calls" not in _pools:
        _pools["calls"] = Pool(get_settings().MAX_THREADS)
    return _pools["calls"]


def get_own_pool() -> Pool:
    """Return the pool of this process for our own database work."""
    if "own" not in _pools:
        _pools["own"] = Pool(OWN_THREADS, "for sessions and streams")
    return _pools["own"]


def close_pools() -> None:
    """End all idle threads, and wait until they have closed their database connections."""
    for pool in list(_pools.values()):
        pool.close()


def forget_pools() -> None:
    """Start over with new pools, as a forked child must: threads don't survive a fork."""
    _pools.clear()


os.register_at_fork(after_in_child=forget_pools)


@receiver(setting_changed)
def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == "MCP_DJANGO":
        forget_pools()
