"""A channel layer that several processes could share, and that fails when a test wants it to."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from secrets import token_hex
from typing import Any


class TimeoutError(Exception):
    """What redis-py 8 raises when nothing was said for five seconds."""


class SharedLayer:
    """Delivers at most once and drops in silence, as layers do. On one loop.

    As the ``BACKEND`` of ``CHANNEL_LAYERS``, or made by hand.
    """

    def __init__(self, capacity: int = 100, **options: Any) -> None:
        self.capacity = capacity
        self.groups: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self.queues: dict[str, asyncio.Queue[Any]] = {}
        self.sent: list[dict[str, Any]] = []
        """Every message that was given to it."""

        self.lose = 0
        """So many of the next messages reach nobody."""

        self.down = False
        """Nothing works."""

        self.slow = 0.0
        """Seconds that it takes to send."""

    async def new_channel(self, prefix: str = "specific") -> str:
        name = f"{prefix}.{token_hex(6)}"
        self.queues[name] = asyncio.Queue()
        return name

    async def group_add(self, group: str, channel: str) -> None:
        self._check()
        self.groups[group][channel] = None

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        await asyncio.sleep(self.slow)
        self._check()
        self.sent.append(message)
        if self.lose:
            self.lose -= 1
            return
        for channel in self.groups[group]:
            if self.queues[channel].qsize() < self.capacity:
                self.queues[channel].put_nowait(message)

    async def receive(self, channel: str) -> Any:
        self._check()
        message = await self.queues[channel].get()
        if isinstance(message, Exception):
            raise message
        return message

    def interrupt(self, error: Exception) -> None:
        """Let everybody who waits for a message get an error."""
        for queue in self.queues.values():
            queue.put_nowait(error)

    def go_down(self) -> None:
        """Fail, and forget everything, as a server without a disk does."""
        self.down = True
        self.groups.clear()
        self.interrupt(ConnectionError("the layer went away"))

    def come_up(self) -> None:
        """Work again."""
        self.down = False

    @property
    def items(self) -> list[Any]:
        """What was in the messages, in the order in which they were sent."""
        return [item for message in self.sent for item in message["items"]]

    def _check(self) -> None:
        if self.down:
            raise ConnectionError("the layer is away")
