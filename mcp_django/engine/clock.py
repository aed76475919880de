"""Timers for calls of which nearly all are over before a timer would ring.

Setting and cancelling a timer of the loop costs more than many a tool. So a call only notes when it began, and one tick
for all of them looks every ``TICK_SECONDS`` which still run.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, Self

TICK_SECONDS = 0.05


class Late(Protocol):
    """What wants to know when it takes long."""

    def late(self) -> None:
        """Hear that one or two ticks have passed."""


class Clock:
    """One per loop. It ticks while there is something to look at."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._new: dict[Late, None] = {}
        self._old: dict[Late, None] = {}
        """Those that have seen a tick."""

        self._ticking = False

    def add(self, call: Late) -> asyncio.Task[Any]:
        """Tell it after one or two ticks, unless it is discarded before. Returns the task that runs now."""
        self._new[call] = None
        if not self._ticking:
            self._ticking = True
            self._loop.call_later(TICK_SECONDS, self._tick)
        task = asyncio.current_task(self._loop)
        assert task is not None
        return task

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
            self._loop.call_later(TICK_SECONDS, self._tick)


class _Clocks(threading.local):
    """The clock of the loop that ran last in this thread; a thread runs one loop at a time."""

    loop: asyncio.AbstractEventLoop | None = None
    clock: Clock | None = None


_clocks = _Clocks()


def get_clock() -> Clock:
    """Return the clock of the running loop."""
    loop = asyncio.get_running_loop()
    if _clocks.loop is not loop or _clocks.clock is None:
        _clocks.loop, _clocks.clock = loop, Clock(loop)
    return _clocks.clock


class Limit:
    """``asyncio.timeout`` that sets a timer only for a call that outlives a tick. Raises ``TimeoutError`` in its place.

    Args:
        seconds: 0 means no limit.
        before_cancel: called when the time is up.
    """

    __slots__ = ("_before_cancel", "_clock", "_seconds", "_task", "_timer", "expired")

    def __init__(self, seconds: float, before_cancel: Callable[[], None] = lambda: None) -> None:
        self._seconds, self._before_cancel = seconds, before_cancel
        self._timer: asyncio.TimerHandle | None = None
        self.expired = False

    def __enter__(self) -> Self:
        if self._seconds:
            self._clock = get_clock()
            self._task = self._clock.add(self)
            if self._seconds < 2 * TICK_SECONDS:
                self._clock.discard(self)
                self._arm(self._seconds)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if not self._seconds:
            return
        self._clock.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        if self.expired and self._task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def late(self) -> None:
        """Set a timer for the rest of the time."""
        self._arm(self._seconds - TICK_SECONDS)

    def _arm(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._expire)

    def _expire(self) -> None:
        self.expired = True
        self._before_cancel()
        self._task.cancel()
