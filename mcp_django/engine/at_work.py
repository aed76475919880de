"""What an author's function has while it is at work: a limit, and one thread for all of its sync code.

Both are there for every call and needed by few, so they are one object, which does nothing until it is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from mcp_django.engine.clock import TICK_SECONDS, Limit, Timed
from mcp_django.engine.exchange import Exchange
from mcp_django.lanes import CALL_IS_OVER, EVERY_CALL, Lane, current_lane, sensitive_to
from mcp_django.threads import get_pool

T = TypeVar("T")


class AtWork(Limit):
    """A function at work. Raises ``TimeoutError`` when its time is up, and cancels its task before.

    Args:
        seconds: as for ``Limit``.
        exchange: cancelled when the time is up. If a clock looks at it already, that one is enough.
        is_async: whether its sync code needs a lane.
    """

    __slots__ = ("_exchange", "_is_async", "_lane", "_over", "_timed", "_tokens")

    def __init__(self, seconds: float, exchange: Exchange, is_async: bool) -> None:  # noqa: FBT001
        self.seconds, self._exchange, self._is_async = seconds, exchange, is_async
        self._timer: asyncio.TimerHandle | None = None
        self._timed: Timed | None = None
        self._lane: Lane | None = None
        self._over = self.expired = False

    def __enter__(self) -> Self:
        timed = self._exchange.timed
        if timed is not None and not timed.is_late and self.seconds > 2 * TICK_SECONDS:
            timed.limit, self._timed, self._task = self, timed, timed.task
        else:
            self._begin()
        if self._is_async:
            self._tokens = current_lane.set(self), sensitive_to.set(EVERY_CALL)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._over = True
        if self._is_async:
            lane, context = self._tokens
            current_lane.reset(lane)
            sensitive_to.reset(context)
            if self._lane is not None:
                self._lane.close()
        if self._timed is not None:
            self._timed.limit = None
        else:
            self._clock.discard(self)
        if self._timer is not None:
            self._end(self._timer, kind, error)

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> asyncio.Future[T]:
        """Run a piece of sync code on the lane. Raises ``RuntimeError`` as that does."""
        if self._lane is None:
            if self._over:
                raise RuntimeError(CALL_IS_OVER)
            self._lane = Lane(get_pool())
        return self._lane.submit(fn, *args, **kwargs)

    def _expire(self) -> None:
        self._exchange.cancel()
        super()._expire()
