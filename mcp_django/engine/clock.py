"""Timers for calls of which nearly all are over before a timer would ring.

Setting and cancelling a timer of the loop costs more than many a tool. So a call only notes when it began, and one tick
for all of them looks every ``TICK_SECONDS`` which still run.
"""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Any, Protocol, Self

TICK_SECONDS = 0.05


class Late(Protocol):
    """What wants to know when it takes long."""

    def late(self) -> None:
        """Hear that one or two ticks have passed."""


class Timed(Protocol):
    """What the clock will tell that it takes long, and that passes it on to the limit of the function at work."""

    task: asyncio.Task[Any]
    limit: Limit | None
    is_late: bool


class Clock:
    """One per loop. It ticks while there is something to look at."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._new: dict[Late, None] = {}
        self._old: dict[Late, None] = {}
        """Those that have seen a tick."""

        self._ticking = False
        self.stopping = False
        """The server of this loop wants to stop."""

    def add(self, call: Late) -> None:
        """Tell it after one or two ticks, unless it is discarded before."""
        self._new[call] = None
        if not self._ticking:
            self._ticking = True
            self.loop.call_later(TICK_SECONDS, self._tick)

    def discard(self, call: Late) -> None:
        """Forget about it."""
        if call in self._new:
            del self._new[call]
        else:
            self._old.pop(call, None)

    def _tick(self) -> None:
        while self._old:
            call = next(iter(self._old))
            del self._old[call]
            call.late()
        self._new, self._old = self._old, self._new
        self._ticking = bool(self._old)
        if self._ticking:
            self.loop.call_later(TICK_SECONDS, self._tick)


class _Here(threading.local):
    """The clock of the loop that ran last in this thread; a thread runs one loop at a time."""

    clock: Clock | None = None


_here = _Here()


def get_clock() -> tuple[Clock, asyncio.Task[Any]]:
    """Return the clock of the running loop, and the task that runs.

    Before Python 3.12, asyncio asks the system for the number of the process whenever it is asked for the running loop.
    So the loop that ran last in this thread is taken, for as long as it has a task at work.
    """
    clock = _here.clock
    task = None if clock is None else asyncio.current_task(clock.loop)
    if clock is None or task is None:
        clock = clock_of(asyncio.get_running_loop())
        task = asyncio.current_task(clock.loop)
        assert task is not None
    return clock, task


def clock_of(loop: asyncio.AbstractEventLoop) -> Clock:
    """Return the clock of a loop that runs in this thread."""
    clock = _here.clock
    if clock is None or clock.loop is not loop:
        clock = _here.clock = Clock(loop)
    return clock


class Limit:
    """``asyncio.timeout`` that sets a timer only for what outlives a tick. Raises ``TimeoutError`` in its place.

    Args:
        seconds: 0 means no limit. A longer one than two ticks may ring up to two ticks late.
    """

    __slots__ = ("_clock", "_task", "_timer", "expired", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._timer: asyncio.TimerHandle | None = None
        self.expired = False

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._clock.discard(self)
        if self._timer is not None:
            self._end(self._timer, kind, error)

    def _begin(self) -> None:
        self._clock, self._task = get_clock()
        if self.seconds >= 2 * TICK_SECONDS:
            self._clock.add(self)
        elif self.seconds:
            self.late()

    def _end(self, timer: asyncio.TimerHandle, kind: type[BaseException] | None, error: BaseException | None) -> None:
        timer.cancel()
        if self.expired and self._task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def late(self) -> None:
        """Set a timer."""
        self._timer = asyncio.get_running_loop().call_later(self.seconds, self._expire)

    def _expire(self) -> None:
        self.expired = True
        self._task.cancel()
