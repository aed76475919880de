"""Timers for calls of which nearly all are over before a timer would ring.

Setting and cancelling a timer of the loop costs more than many a tool. So a call only notes when it began, and one tick
for all of them looks every ``TICK_SECONDS`` which still run.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

TICK_SECONDS = 0.05


class Clock:
    """One per loop. It ticks while there is something to look at."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[object, tuple[float, Callable[[], None]]] = {}
        self._ticking = False

    def add(self, key: object, late: Callable[[], None]) -> None:
        """Call ``late`` after one or two ticks, unless ``key`` is discarded before."""
        self._waiting[key] = (self._loop.time(), late)
        if not self._ticking:
            self._ticking = True
            self._loop.call_later(TICK_SECONDS, self._tick)

    def discard(self, key: object) -> None:
        """Forget about it."""
        self._waiting.pop(key, None)

    def _tick(self) -> None:
        limit = self._loop.time() - TICK_SECONDS * 0.9
        for key, (began, late) in list(self._waiting.items()):
            if began > limit:
                break  # they stand in the order in which they began
            if self._waiting.pop(key, None) is not None:
                late()
        self._ticking = bool(self._waiting)
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

    def __init__(self, seconds: float, before_cancel: Callable[[], None] = lambda: None) -> None:
        self._seconds, self._before_cancel = seconds, before_cancel
        self._timer: asyncio.TimerHandle | None = None
        self.expired = False

    def __enter__(self) -> Self:
        if self._seconds:
            task = asyncio.current_task()
            assert task is not None
            self._task = task
            if self._seconds < 2 * TICK_SECONDS:
                self._arm(self._seconds)
            else:
                get_clock().add(self, lambda: self._arm(self._seconds - TICK_SECONDS))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if not self._seconds:
            return
        get_clock().discard(self)
        if self._timer is not None:
            self._timer.cancel()
        if self.expired and self._task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _arm(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._expire)

    def _expire(self) -> None:
        self.expired = True
        self._before_cancel()
        self._task.cancel()
