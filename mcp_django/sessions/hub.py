"""The hub: the one place in a process where messages between processes go out and come in.

One per event loop, started when first needed, for daphne knows no start-up. What is for this process is handed over at
once; the channel layer carries it to the others. A layer delivers at most once and drops in silence when it is full, so
everything sent over it is either only a nudge (what it is about lies in the database) or an event; events carry a
number, and a process that misses one tells all its streams that anything may have changed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context
from typing import Any
from weakref import WeakKeyDictionary

from channels.layers import InMemoryChannelLayer

from mcp_django.sessions.calls import Calls
from mcp_django.sessions.events import Event
from mcp_django.sessions.layer import layer_of_this_loop
from mcp_django.sessions.listeners import Listeners

logger = logging.getLogger(__name__)

GROUP = "mcp_django"
"""The group that every process is in."""

MAX_BATCH = 500
"""Most items in one message of the layer."""

MAX_OUTGOING = 20_000
"""Most items that wait for the layer. When there are more, they are dropped, and the others notice a gap."""

LAYER_SECONDS = 10
"""How long the layer may take for one request before it counts as failed: a Redis that hangs says nothing."""

MAX_PUBLISHERS = 1024
"""Processes whose numbering is remembered."""

BEAT_SECONDS = (1, 4)
"""After events, their last number is sent again, after this long and this much longer: a lost last one is noticed.

Each of the two is repeated until the layer has taken it.
"""

REJOIN_SECONDS = 600
"""The layer forgets a process that doesn't say so often that it is there."""

MAX_BACKOFF_SECONDS = 5

JOIN_SECONDS = 2
"""A stream that opens waits so long for its process to be heard of by the others."""

CLOSE_SECONDS = 3
"""How long a process that ends waits for its last messages to leave."""

Nudge = tuple[str, ...]
"""A word for the other processes: what it is about, and the ids it concerns."""


class Hub:
    """Receives and sends for one event loop."""

    def __init__(self, layer: Any, *, listening: bool = True) -> None:
        self.listeners, self.calls = Listeners(), Calls()
        self.layer: Any = None if isinstance(layer, InMemoryChannelLayer) else layer
        self._name = secrets.token_hex(8)
        self._number, self._numbered_at = 0, float("-inf")
        self._seen: OrderedDict[str, int] = OrderedDict()
        self._outgoing: dict[Event | Nudge, None] = {}
        self._work, self._joined = asyncio.Event(), asyncio.Event()
        self._handlers: dict[str, dict[Callable[..., object], None]] = {}
        self._lost: dict[Callable[[], None], None] = {}
        self._channel, self._joined_at = "", float("-inf")
        self._drained = asyncio.Event()
        self._drained.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.loop = asyncio.get_running_loop()
        self.on("cancel", self.calls.cancel)
        if self.layer is not None:
            self.start(self._send())
            if listening:
                self.start(self._receive())

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run work that concerns the whole process, until it is done or the hub closes."""
        task = self.loop.create_task(work, context=Context())  # not that of the call which happens to start it
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def on(self, what: str, handler: Callable[..., object]) -> None:
        """Call ``handler`` with the rest of every nudge that begins with ``what``. Twice the same counts once."""
        self._handlers.setdefault(what, {})[handler] = None

    def on_lost(self, handler: Callable[[], None]) -> None:
        """Call ``handler`` when messages may have been lost. Twice the same counts once."""
        self._lost[handler] = None

    async def joined(self) -> None:
        """Wait, for a moment at most, until what other processes say is heard here."""
        if self.layer is not None and not self._joined.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(JOIN_SECONDS):
                    await self._joined.wait()

    async def flush(self) -> None:
        """Wait until all that was published has been given to the layer."""
        if self.layer is not None:
            await self._drained.wait()

    def publish(self, item: Event | Nudge) -> None:
        """Hand over to this process now, and to the others as soon as the layer takes it. On the hub's loop only."""
        self._handle(item)
        if self.layer is not None:
            if len(self._outgoing) >= MAX_OUTGOING:
                logger.warning("The channel layer does not keep up: %d messages were dropped.", len(self._outgoing))
                self._outgoing.clear()
                self._number += 1  # used up, so that the others notice a gap, and look at everything
            self._outgoing[item] = None
            self._drained.clear()
            self._work.set()

    def publish_threadsafe(self, item: Event | Nudge) -> None:
        """The same from any thread. Raises ``RuntimeError`` when the loop is closed."""
        self.loop.call_soon_threadsafe(self.publish, item)

    async def close(self) -> None:
        """Send what is still to be sent, and end the tasks."""
        self.listeners.end_all()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.flush()
        except TimeoutError:
            logger.warning("The channel layer did not take the last %d messages.", len(self._outgoing))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._channel:
            with suppress(Exception):  # the layer forgets it anyhow, after a day
                async with asyncio.timeout(1):
                    await self.layer.group_discard(GROUP, self._channel)

    def _handle(self, item: Event | Nudge) -> None:
        if isinstance(item, Event):
            self.listeners.tell(item)
            return
        for handler in list(self._handlers.get(item[0], ()) if item else ()):
            handler(*item[1:])

    def _miss(self) -> None:
        """Messages may have been lost: whoever keeps something looks again."""
        for handler in list(self._lost):
            handler()
        self.listeners.tell_everything()

    # From the other processes

    async def _receive(self) -> None:
        backoff, channel, missed = 0.1, "", False
        while True:
            try:
                channel = channel or await self._join()
                if missed:  # only now: what happens from here on is heard
                    self._miss()
                    missed = False
                async with asyncio.timeout(REJOIN_SECONDS):
                    self._take(await self.layer.receive(channel))
                backoff = 0.1
            except Exception as error:
                if type(error).__name__ == "TimeoutError" and channel and await self._rejoined(channel):
                    continue  # nothing was said: our own limit, or that of redis-py 8, which is 5 seconds
                channel, missed = "", True
                self._joined.clear()
                logger.warning("The channel layer failed (%s: %s); trying again.", type(error).__name__, error)
                await asyncio.sleep(backoff)
                backoff = min(backoff * 2, MAX_BACKOFF_SECONDS)

    async def _join(self) -> str:
        async with asyncio.timeout(LAYER_SECONDS):
            channel: str = await self.layer.new_channel("mcp")
            await self.layer.group_add(GROUP, channel)
        self._channel = channel
        self._joined_at = self.loop.time()
        self._joined.set()
        for handler in list(self._lost):  # what was kept before may have changed unheard
            handler()
        return channel

    async def _rejoined(self, channel: str) -> bool:
        try:
            async with asyncio.timeout(LAYER_SECONDS):
                await self.layer.group_add(GROUP, channel)
        except Exception:
            return False
        return True

    def _take(self, message: dict[str, Any]) -> None:
        if message.get("from") == self._name:
            return
        before = message["number"] - bool(message["items"])  # a beat repeats the number of what was last said
        self._notice_gaps(message["from"], before, message["since"])
        self._see(message["from"], message["number"])
        for item in message["items"]:
            self._handle(Event(*item[1:]) if item[0] == "event" else tuple(item[1:]))

    def _notice_gaps(self, publisher: str, before: int, since: float) -> None:
        """See whether a message is missing: the last before this one, which was said ``since`` seconds ago."""
        said_while_here = since < self.loop.time() - self._joined_at
        unheard = 0 if said_while_here else before  # of a process that we have never heard of
        if self._seen.get(publisher, unheard) != before:
            logger.info("Messages of another process were lost: every stream is told that anything may have changed.")
            self._miss()

    def _see(self, publisher: str, number: int) -> None:
        self._seen[publisher] = number
        self._seen.move_to_end(publisher)
        while len(self._seen) > MAX_PUBLISHERS:
            self._seen.popitem(last=False)

    # To the other processes

    async def _send(self) -> None:
        beats: list[float] = []
        while True:
            try:
                async with asyncio.timeout(beats[0] if beats else None):
                    await self._work.wait()
            except TimeoutError:
                if await self._group_send([]):
                    beats.pop(0)
                continue
            self._work.clear()
            while self._outgoing:
                await self._send_batch()
            self._drained.set()
            beats = list(BEAT_SECONDS)

    async def _send_batch(self) -> None:
        batch = list(self._outgoing)[:MAX_BATCH]
        for item in batch:
            del self._outgoing[item]
        self._number += 1
        await self._group_send(
            [
                ["event", item.server, item.kind, item.uri] if isinstance(item, Event) else ["nudge", *item]
                for item in batch
            ]
        )

    async def _group_send(self, items: list[list[str]]) -> bool:
        """Send one message, and say whether the layer took it. If not, its number is used up: the next one shows it."""
        now = self.loop.time()
        since = now - self._numbered_at if self._number > 1 or not items else 0.0
        message = {"type": "mcp.message", "from": self._name, "number": self._number, "since": since, "items": items}
        if items:
            self._numbered_at = now
        try:
            async with asyncio.timeout(LAYER_SECONDS):
                await self.layer.group_send(GROUP, message)
        except Exception as error:
            logger.warning("The channel layer did not take a message (%s: %s).", type(error).__name__, error)
            return False
        return True


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def get_hub(*, listening: bool = True) -> Hub:
    """Return the hub of the running loop, and start it if need be.

    Args:
        listening: whether a hub that is started here hears what other processes say.
    """
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None:
        hub = _hubs[loop] = Hub(layer_of_this_loop(receiving=listening), listening=listening)
    return hub


def running_hubs() -> list[Hub]:
    """Return the hubs of this process whose loops still run."""
    return [hub for loop, hub in list(_hubs.items()) if loop.is_running()]


async def close_hub() -> None:
    """Close the hub of the running loop, if there is one."""
    hub = _hubs.pop(asyncio.get_running_loop(), None)
    if hub is not None:
        await hub.close()


os.register_at_fork(after_in_child=_hubs.clear)  # a child has none of its parent's threads, which turn their loops
