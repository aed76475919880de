"""Clients that only listen: many open streams, and the moments at which an event reached them.

Own code on bare asyncio protocols, as in ``load.py``: what listens must cost less than what speaks. Nothing is parsed:
a stream is open when its first byte has come, and has an event when the event's method stands in what it got.
"""

from __future__ import annotations

import asyncio
from statistics import median
from time import perf_counter
from typing import cast

from benchmarks.processes import Failed

BATCH = 40
"""Streams that are opened at once: below daphne's backlog of 50 connections that it has not yet accepted."""

PATIENCE_SECONDS = 1
"""The next batch waits so long at most for the first bytes of this one: some servers send none for long."""

OPEN_SECONDS = 60
EVENT_SECONDS = 60

METHOD = b"notifications/tools/list_changed"


class Stream(asyncio.Protocol):
    """One stream."""

    __slots__ = ("_audience", "_request", "asked", "first")

    def __init__(self, audience: Audience, request: bytes) -> None:
        self._audience, self._request = audience, request
        self.first = 0.0
        """When its first byte came; 0: not yet."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._audience.connected(cast("asyncio.Transport", transport))
        self.asked = perf_counter()
        cast("asyncio.Transport", transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        now = perf_counter()
        if not self.first:
            self.first = now
            if not data.startswith(b"HTTP/1.1 200"):
                self._audience.fail(Failed(data[:500].decode(errors="replace")))
            self._audience.opened()
        if METHOD in data:
            self._audience.told(now)

    def connection_lost(self, exc: Exception | None) -> None:
        self._audience.fail(exc or ConnectionError("The server closed a stream."))


class Audience:
    """All streams of one server; they are closed at the end of the ``with`` block."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._transports: list[asyncio.Transport] = []
        self._open = 0
        self._told: list[float] = []
        self._error: Exception | None = None
        self._changed = asyncio.Event()
        self._closing = False

    def close(self) -> None:
        self._closing = True
        for transport in self._transports:
            transport.abort()

    def connected(self, transport: asyncio.Transport) -> None:
        self._transports.append(transport)

    def opened(self) -> None:
        self._open += 1
        self._changed.set()

    def told(self, when: float) -> None:
        self._told.append(when)
        if len(self._told) >= self._open:
            self._changed.set()

    def fail(self, error: Exception) -> None:
        if not self._closing:
            self._error = self._error or error
            self._changed.set()

    async def open(self, requests: list[bytes]) -> None:
        """Open more streams, and wait for the first byte of each. Raises what went wrong with any of them."""
        for place in range(0, len(requests), BATCH):
            for request in requests[place : place + BATCH]:
                await self._connect(request)
            try:
                await self._until_open(PATIENCE_SECONDS)
            except TimeoutError:
                continue
        await self._until_open(OPEN_SECONDS)

    async def first_byte(self, request: bytes) -> float:
        """Open one stream more, and return the seconds until its first byte came."""
        stream = await self._connect(request)
        await self._until_open(OPEN_SECONDS)
        return stream.first - stream.asked

    async def hear(self, published: float) -> tuple[float, float]:
        """Wait until all have the event; return the seconds after which half of them had it, and all."""
        async with asyncio.timeout(EVENT_SECONDS):
            while len(self._told) < self._open:
                await self._wait()
        times, self._told = self._told, []
        return median(times) - published, max(times) - published

    async def _connect(self, request: bytes) -> Stream:
        loop = asyncio.get_running_loop()
        _, stream = await loop.create_connection(lambda: Stream(self, request), "127.0.0.1", self._port)
        return stream

    async def _until_open(self, seconds: float) -> None:
        async with asyncio.timeout(seconds):
            while self._open < len(self._transports):
                await self._wait()

    async def _wait(self) -> None:
        self._changed.clear()
        if self._error is None:
            await self._changed.wait()
        if self._error is not None:
            raise self._error
