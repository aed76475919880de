"""Looking after a call that takes a while: is the client still there, does its connection need a sign of life?

Most calls are over before there is anything to watch, so for the first moment there is only a timer, and no task. After
it one task waits for the client to leave, unless the server tells that by itself, as daphne does of a stream; that of a
sign of life lasts no longer than it takes to send it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Literal, Self

from mcp_django.engine.clock import Limit, clock_of, get_clock
from mcp_django.engine.exchange import Exchange
from mcp_django.transports.reply import Reply
from mcp_django.transports.stopping import at_stop

Receive = Callable[[], Awaitable[dict[str, Any]]]

logger = logging.getLogger(__name__)

End = Literal["left", "stopped", "called off"]
"""The client has gone, the server is about to stop, or the client has sent ``notifications/cancelled``."""

_watched: set[Watch] = set()
_interruptible: set[asyncio.Task[Any]] = set()


class Watch:
    """Cancels the task that enters it when the client leaves, and keeps the client's connection alive until then.

    Both servers tell an application that asks; daphne cancels it ten seconds later, uvicorn never does.

    Args:
        exchange: what the task answers meanwhile; it is cancelled with the task.
    """

    __slots__ = (
        "_clock",
        "_exchange",
        "_keep_alive_seconds",
        "_over",
        "_receive",
        "_reply",
        "_sign",
        "_timer",
        "_watcher",
        "end",
        "is_late",
        "limit",
        "task",
    )

    def __init__(
        self, receive: Receive, reply: Reply, keep_alive_seconds: float, exchange: Exchange | None = None
    ) -> None:
        self._receive, self._reply, self._keep_alive_seconds = receive, reply, keep_alive_seconds
        self._exchange = exchange
        self.is_late = False
        """Whether it has begun to watch."""

        self.limit: Limit | None = None
        """That of the function at work."""

        self.end: End | None = None
        """What has ended the task. ``None``: nothing but itself."""

    def __enter__(self) -> Self:
        self._clock, self.task = get_clock()
        self._clock.add(self)
        if self._exchange is not None:
            self._exchange.timed = self
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> bool:
        if self._exchange is not None:
            self._exchange.timed = None  # a circle would be left to the garbage collector
        if not self.is_late:
            self._clock.discard(self)
        else:
            self._over = True
            _watched.discard(self)
            self._unwatch()
        if self.end is None:
            return False
        return self.task.uncancel() == 0 and isinstance(error, asyncio.CancelledError)

    def stop(self) -> None:
        """End the call, because the server is about to stop. Safe to call more than once."""
        self._cancel("stopped")

    def call_off(self) -> None:
        """End the call, because the client wants it to end."""
        self._cancel("called off")

    def _cancel(self, end: End) -> None:
        if self.end is None:
            self.end = end
            if self._exchange is not None:
                self._exchange.cancel()
            self.task.cancel()

    def late(self) -> None:
        """Begin to watch."""
        self.is_late, self._over = True, False
        self._watcher: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._sign: asyncio.Task[None] | None = None
        if self.limit is not None:
            self.limit.late()
        if self._clock.stopping:
            self.stop()
            return
        if not self._reply.on_departure(self._leave):
            self._watcher = asyncio.get_running_loop().create_task(self._disconnected())
            self._watcher.add_done_callback(self._watcher_ended)
        self._plan_sign()
        _watched.add(self)

    async def _disconnected(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def _plan_sign(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._keep_alive_seconds, self._give_sign)

    def _give_sign(self) -> None:
        self._sign = asyncio.get_running_loop().create_task(self._keep_alive())

    async def _keep_alive(self) -> None:
        try:
            await self._reply.keep_alive()
        except Exception:  # a connection on which nothing can be sent: the client is gone
            logger.debug("Keeping a connection alive failed.", exc_info=True)
            self._leave()
        else:
            self._plan_sign()

    def _watcher_ended(self, watcher: asyncio.Task[None]) -> None:
        if not watcher.cancelled():
            watcher.exception()  # seen: asking a connection that is gone may fail
        self._leave()

    def _leave(self) -> None:
        self._unwatch()
        if not self._over:
            self._cancel("left")

    def _unwatch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._reply.on_departure(None)
        for task in (self._watcher, self._sign):
            if task is not None and task is not asyncio.current_task():
                task.cancel()


class Stopping(Exception):
    """The server is about to stop, and waits for nobody."""


class interruptible:
    """Lets what is done inside, such as waiting for a body, end when the server wants to stop.

    Raises:
        Stopping: it wants to.
    """

    def __enter__(self) -> None:
        clock, self._task = get_clock()
        if clock.stopping:
            raise Stopping
        _interruptible.add(self._task)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._task in _interruptible:
            _interruptible.discard(self._task)
        elif self._task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise Stopping from None


def stop_watched() -> None:
    """End all calls on this loop that have run for a while, or begin from now on: the server wants to stop."""
    clock_of(asyncio.get_running_loop()).stopping = True
    for watch in list(_watched):
        watch.stop()
    for task in list(_interruptible):
        _interruptible.discard(task)
        task.cancel()
    for stop in list(at_stop):
        stop()
