"""When the work for threads runs: one job after another while that keeps the process busy, else side by side.

Python runs one thread at a time. Threads with short queries, all at work at once, take the interpreter from each other
several times in each query, which costs as much as the queries do. So whoever ends starts the next. As soon as a job
takes long, or waits for something while the process has nothing else to do, all begin that wait for their turn.
docs/decisions/0025 has the measurements behind this.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Lock
from time import perf_counter, process_time
from typing import Any

from mcp_django.threads import Pool, Worker, finish_work

PATIENCE_SECONDS = 0.005
"""How long jobs wait for their turns before somebody looks whether that is worth it."""

BUSY = 0.75
"""What part of the time in which some waited the process must have computed."""

MEASURED_SECONDS = 0.001
"""Less of such time says nothing."""

MAX_STALLS = 2
"""Looks in a row, with nothing that has ended between them, after which nobody waits any longer in any case."""

IMPATIENT_SECONDS = 0.2
"""For how long every job begins at once, when it wasn't worth it."""

MAX_UNTOLD = 8
"""Most jobs that may have ended before the loop hears of the first."""


class Outcome:
    """What came of a function that a thread called, on its way to a future.

    The future is the loop's own: one of ``concurrent.futures`` that is wrapped would cost as much as the change of
    threads itself. asyncio takes it from an executor all the same.
    """

    __slots__ = ("_tell", "future")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.future: asyncio.Future[Any] = loop.create_future()
        self._tell: Callable[[], None] | None = None

    def of(self, fn: Callable[[], Any]) -> None:
        """Call the function, and note what comes of it. Nothing is called for a future that has been cancelled."""
        if not self.future.cancelled():
            try:
                self.succeed(fn())
            except BaseException as error:
                self.fail(error)

    def succeed(self, result: Any) -> None:
        """Note a result."""
        self._tell = partial(self.future.set_result, result)

    def fail(self, error: BaseException) -> None:
        """Note what was raised."""
        if isinstance(error, StopIteration):  # which no future can hold: it would never be done
            error = RuntimeError(f"Sync code raised {error!r}.")
        self._tell = partial(self.future.set_exception, error)

    def settle(self) -> None:
        """Tell whoever waits, on their loop."""
        if self._tell is not None and not self.future.done():
            self._tell()
        self._tell = None  # it holds the future, which may hold an exception that leads back here


class Line:
    """Measures, while some wait, how much of that time the process computes."""

    __slots__ = ("_computed", "_passed", "_since")

    def __init__(self) -> None:
        self._since: tuple[float, float] | None = None
        self._computed = self._passed = 0.0  # seconds

    def begin(self) -> None:
        """Note that some wait."""
        if self._since is None:
            self._since = process_time(), perf_counter()

    def end(self) -> None:
        """Note that nobody waits."""
        if self._since is not None:
            computed, passed = self._since
            self._since = None
            self._computed += process_time() - computed
            self._passed += perf_counter() - passed

    def was_idle(self) -> bool:
        """Whether the process had too little to do while they waited. What was measured counts for half next time."""
        idle = self._passed >= MEASURED_SECONDS and self._computed < BUSY * self._passed
        kept = 0.0 if idle else 0.5
        self._computed *= kept
        self._passed *= kept
        return idle


class Job:
    """Something for a thread to do, on behalf of a loop."""

    __slots__ = ("turns",)

    def __init__(self, turns: Turns) -> None:
        self.turns = turns

    def launch(self) -> bool:
        """Give it to its thread, which calls ``turns.end`` when it is done. ``False``: it has none, or none yet.

        On the loop, or on the thread of the job before it.
        """
        raise NotImplementedError

    def settle(self) -> None:
        """Tell what came of it. On the loop."""
        raise NotImplementedError


class Turns:
    """Who is next, of the work for threads that one loop has."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._lock = Lock()
        self._waiting: deque[Job] = deque()
        self._leader: Job | None = None
        """The job at work that the next one waits for. Others may be at work too: nobody waits for those."""

        self._line = Line()
        self._ended: deque[Job] = deque()
        self._stalls = 0
        """Looks since a job has ended."""

        self._begins = False
        self._told = False
        self._timer: asyncio.TimerHandle | None = None
        self._patient_from = 0.0

    def add(self, job: Job) -> None:
        """Let a job begin when the loop has been through what else it has found waiting, or later. On the loop."""
        self._waiting.append(job)
        if not self._begins:
            self._begins = True
            self.loop.call_soon(self._begin)

    def end(self, job: Job) -> None:
        """Note that a job has been done, and start the next. On the job's thread."""
        self._ended.append(job)
        self._stalls = 0
        if not self._start_next(job) or len(self._ended) >= MAX_UNTOLD:
            self._tell()

    def refuse(self, job: Job) -> None:
        """Note that a job won't be done. Wherever it was to be launched."""
        self._ended.append(job)
        self._tell()

    def _begin(self) -> None:
        self._begins = False
        if self.loop.time() < self._patient_from:
            self._start_all()
        else:
            self._start_next(None)
        with self._lock:
            if self._waiting:
                self._line.begin()
        if self._waiting and self._timer is None:
            self._stalls = 0
            self._wait()
        self._settle()  # last: what ended just now may have started a slow one, and only those who wait set the timer

    def _start_next(self, ended: Job | None) -> bool:
        """Start the first that has a thread, if it is this job that it waits for. Returns whether there was one."""
        while True:
            with self._lock:
                if self._leader is not ended:
                    return False
                following = self._leader = self._waiting.popleft() if self._waiting else None
                if not self._waiting:
                    self._line.end()
            if following is None:
                return False
            if following.launch():
                return True
            ended = following

    def _start_all(self) -> None:
        with self._lock:
            self._leader = None
            waiting, self._waiting = self._waiting, deque()
            self._line.end()
        for job in waiting:
            job.launch()

    def _wait(self) -> None:
        self._timer = self.loop.call_later(PATIENCE_SECONDS, self._look)

    def _look(self) -> None:
        """See whether it was worth it that some have waited since."""
        self._timer = None
        self._stalls += 1
        with self._lock:
            if self._waiting:
                self._line.end()
                self._line.begin()
            idle = self._line.was_idle()
        if idle or (self._waiting and self._stalls >= MAX_STALLS):
            self._patient_from = self.loop.time() + IMPATIENT_SECONDS
            self._start_all()
        elif self._waiting:
            self._wait()
        self._settle()

    def _tell(self) -> None:
        if not self._told:
            self._told = True
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self.loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        self._told = False
        while self._ended:
            self._ended.popleft().settle()


class Visit(Job):
    """A job that takes a thread of a pool for as long as it runs: the next one is likely to get the same."""

    __slots__ = ("_pool",)

    def __init__(self, turns: Turns, pool: Pool) -> None:
        super().__init__(turns)
        self._pool = pool

    def launch(self) -> bool:
        """Take a thread, or wait in line for one while others go on."""
        try:
            worker = self._pool.borrow(self)
        except RuntimeError as error:  # the system has no thread left
            self.fail(error)
            self.turns.refuse(self)
            return False
        if worker is None:
            with suppress(RuntimeError):  # the loop is closed
                self.turns.loop.call_soon_threadsafe(self.wait_in_line)
            return False
        self.start(worker)
        return True

    def wait_in_line(self) -> None:
        """See to it that it leaves the pool's line when nobody wants it any more. On the loop."""

    def start(self, worker: Worker) -> None:
        """Run on the given thread."""
        worker.put(partial(self._visit, worker))

    def _visit(self, worker: Worker) -> None:
        try:
            self.run()
        finally:
            finish_work(self._pool, worker)  # first, so that the next job finds this thread
            self.turns.end(self)

    def run(self) -> None:
        """Do it, and note what came of it. Never raises."""
        raise NotImplementedError

    def fail(self, error: BaseException) -> None:
        """Note that there is no thread for it."""
        raise NotImplementedError


class _Here(threading.local):
    """The turns of the loop that ran last in this thread; a thread runs one loop at a time."""

    turns: Turns | None = None


_here = _Here()


def get_turns() -> Turns:
    """Return those of the running loop."""
    loop = asyncio.get_running_loop()
    turns = _here.turns
    if turns is None or turns.loop is not loop:
        turns = _here.turns = Turns(loop)
    return turns
