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
from contextlib import suppress
from functools import partial
from threading import Lock
from time import perf_counter, process_time

from mcp_django.threads import Pool, Worker, finish_work

PATIENCE_SECONDS = 0.005
"""How long a job waits for its turn before somebody looks whether that is worth it."""

BUSY = 0.8
"""What part of that time the process must have computed."""

IMPATIENT_SECONDS = 0.1
"""If it hasn't, or nothing has ended: for how long every job begins at once."""

MAX_UNTOLD = 8
"""Most jobs that may have ended before the loop hears of the first."""


class Job:
    """Something for a thread to do, on behalf of a loop."""

    __slots__ = ("round", "turns")

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.round = 0
        """In which round of ``turns`` it is at work. 0: in none, so that nobody waits for it."""

    def launch(self) -> bool:
        """Give it to its thread, which calls ``turns.end`` when it is done. ``False``: it has none, or not now.

        On the loop, or on the thread of the job before it.
        """
        raise NotImplementedError

    def fail(self, error: BaseException) -> None:
        """Note that it could not be launched. Where it was launched."""
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
        self._ended: deque[Job] = deque()
        self._begins = False
        self._told = False
        self._round = 1
        self._at_work = 0
        """How many of this round, each of which is followed by another. Nobody waits for those of earlier rounds."""

        self._endings = 0
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
        self._endings += 1
        if not self._go_on(job.round) or len(self._ended) >= MAX_UNTOLD:
            self._tell()

    def refuse(self, job: Job) -> None:
        """Note that a job won't be done. Wherever it was launched."""
        self._ended.append(job)
        self._tell()

    def _begin(self) -> None:
        self._begins = False
        if self.loop.time() < self._patient_from:
            self._begin_all()
            return
        if not self._at_work:
            self._at_work = 1
            self._go_on(self._round)
        if self._waiting and self._timer is None:
            self._wait()

    def _begin_all(self) -> None:
        with self._lock:
            self._round += 1
            self._at_work = count = len(self._waiting)
        for _ in range(count):
            self._go_on(self._round)

    def _go_on(self, number: int) -> bool:
        """Start what waits, until something has a thread. Returns whether there was anything."""
        while (job := self._next(number)) is not None:
            if job.launch():
                return True
        return False

    def _next(self, number: int) -> Job | None:
        with self._lock:
            if number != self._round:
                return None
            if not self._waiting:
                self._at_work -= 1
                return None
            job = self._waiting.popleft()
            job.round = number
            return job

    def _wait(self) -> None:
        self._timer = self.loop.call_later(PATIENCE_SECONDS, self._look, self._endings, process_time(), perf_counter())

    def _look(self, endings: int, computed: float, begun: float) -> None:
        """See whether it was worth it that some have waited since."""
        self._timer = None
        idle = process_time() - computed < BUSY * (perf_counter() - begun)
        if self._waiting and (idle or endings == self._endings):
            self._patient_from = self.loop.time() + IMPATIENT_SECONDS
            self._begin_all()
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
        """Take a thread, or wait in line for one, in no round: others go on meanwhile."""
        number, self.round = self.round, 0
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
        self.round = number
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
