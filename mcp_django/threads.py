"""Where sync code runs: bounded pools of threads whose database connections live on from call to call."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from django.core.signals import setting_changed
from django.db import connections
from django.db.backends.signals import connection_created
from django.dispatch import receiver

from mcp_django.conf import get_settings

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

logger = logging.getLogger(__name__)

IDLE_SECONDS = 60
"""A thread that nobody wanted for this long closes its connections and ends."""

REPORT_SECONDS = 60
"""A pool with no thread left says so in the log at most this often."""


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
        self.unfinished = False
        """Whether ``finish_work`` would have something to do after the last piece of work."""

        self.start()

    def put(self, job: Callable[[], None] | None) -> None:
        """Run a job after those before it; ``None`` is the last."""
        self._jobs.put(job)

    def run(self) -> None:
        _here.connections = ()
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
        """Return a thread for the lane, or ``None``: then it waits in line and its ``start`` is called.

        Raises:
            RuntimeError: the system has no thread left.
        """
        with self._lock:
            if self._idle:
                return self._idle.pop()
            if self._count < self.size:
                worker = Worker(self, self._started + 1)
                self._count += 1
                self._started += 1
                return worker
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

    def forget(self, lane: Starter) -> None:
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


class _Here(threading.local):
    """The connections of this thread, if it is a worker. To ask Django each time costs much more."""

    connections: Sequence[BaseDatabaseWrapper] | None = None


_here = _Here()


@receiver(connection_created)
def _look_again(**kwargs: Any) -> None:
    if _here.connections is not None:
        _here.connections = connections.all(initialized_only=True)  # and no copy that somebody has made of one


def begin_work() -> None:
    """Do what Django does on ``request_started``, in one walk over the connections of this worker."""
    for connection in _here.connections or ():
        connection.queries_log.clear()
        _look_after(connection)


def has_work_to_finish() -> bool:
    """Whether ``close_old_connections`` would find something to do in this worker."""
    try:
        return any(map(_is_old, _here.connections or ()))
    except Exception:
        return True


def _look_after(connection: BaseDatabaseWrapper) -> None:
    """Close a connection that should be, as ``close_old_connections`` does. To look first is cheaper than to ask it."""
    if connection.settings_dict["CONN_HEALTH_CHECKS"] or _is_old(connection):
        connection.close_if_unusable_or_obsolete()


def _is_old(connection: BaseDatabaseWrapper) -> bool:
    """Whether a connection is too old, or not as a call should leave it (``close_if_unusable_or_obsolete``)."""
    if connection.connection is None:
        return False
    if connection.errors_occurred or connection.autocommit != connection.settings_dict["AUTOCOMMIT"]:
        return True
    return connection.close_at is not None and monotonic() >= connection.close_at


def finish_work(pool: Pool, worker: Worker) -> None:
    """Do what Django does on ``request_finished``, then give the thread back."""
    try:
        for connection in _here.connections or ():
            _look_after(connection)
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
