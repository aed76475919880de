"""A closed loop of keep-alive connections: each sends its request again as soon as the answer is there.

Own code on bare asyncio protocols, because the generator must never be what limits a server; only what these servers
send is understood: a status line, headers, and a body whose length the headers give, or that comes in chunks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from statistics import quantiles
from time import perf_counter, process_time
from typing import Any, TypeVar, cast

from benchmarks.wire import Request, WrongAnswer, initialize, initialized

T = TypeVar("T")

LAST_CHUNK = b"\r\n0\r\n\r\n"
"""The end of a stream. None of those that are measured has it within."""

ANSWER_SECONDS = 20
"""A server that says nothing for this long has failed."""


@dataclass(frozen=True, slots=True)
class Load:
    """What came of one turn."""

    calls: int
    seconds: float
    latencies: list[float]
    """Seconds from a request to its answer."""

    own_cpu: float
    """CPU seconds that the generator itself used: near ``seconds``, it was what limited."""

    def percentile_ms(self, percent: int) -> float:
        return quantiles(self.latencies, n=100, method="inclusive")[percent - 1] * 1000


class Connection(asyncio.Protocol):
    """One keep-alive connection, one request at a time."""

    def __init__(self) -> None:
        self._buffer = b""
        self._end = 0
        self._transport: asyncio.Transport | None = None
        self._answered: Callable[[bytes, bytes], None] | None = None
        self._failed: Callable[[Exception], None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's isn't one by inheritance

    def send(self, data: bytes, answered: Callable[[bytes, bytes], None], failed: Callable[[Exception], None]) -> None:
        """Send a request. ``answered`` gets the head and the body of its answer."""
        self._answered, self._failed = answered, failed
        assert self._transport is not None
        self._transport.write(data)

    async def ask(self, data: bytes) -> tuple[bytes, bytes]:
        """Send a request and return the head and the body of its answer."""
        done: asyncio.Future[tuple[bytes, bytes]] = asyncio.get_running_loop().create_future()
        self.send(data, lambda head, body: done.set_result((head, body)), done.set_exception)
        async with asyncio.timeout(ANSWER_SECONDS):
            return await done

    def close(self) -> None:
        self._failed = None
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        split = self._buffer.find(b"\r\n\r\n")
        if split < 0:
            return
        head = self._buffer[:split]
        end = split + 4 + _length(head, self._buffer, split + 4)
        if end < split + 4 or len(self._buffer) < end:
            return
        body, self._buffer = self._buffer[split + 4 : end], self._buffer[end:]
        if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 202")):
            self._fail(WrongAnswer(f"{head.decode()}\n{body[:500].decode(errors='replace')}"))
        elif self._answered is not None:
            self._failed = None
            self._answered(head, body)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionError("The server closed the connection."))

    def _fail(self, error: Exception) -> None:
        failed, self._failed = self._failed, None
        if failed is not None:
            failed(error)


def _length(head: bytes, buffer: bytes, begin: int) -> int:
    """Return the length of the body; negative: its end, that of its chunks, has not come yet."""
    lowered = head.lower()
    if b"\r\ntransfer-encoding: chunked" in lowered:
        place = buffer.find(LAST_CHUNK, begin)
        return place + len(LAST_CHUNK) - begin if place >= 0 else -1
    place = lowered.find(b"\r\ncontent-length:")
    if place >= 0:
        return int(lowered[place + 17 :].split(b"\r\n", 1)[0])
    if b" 202 " in head.split(b"\r\n", 1)[0]:
        return 0
    raise WrongAnswer(f"An answer without a Content-Length is not understood:\n{head.decode()}")


def run_loop(measuring: Coroutine[Any, Any, T]) -> T:
    """Run on the cheapest event loop there is."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return asyncio.run(measuring)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(measuring)


async def connect(port: int) -> Connection:
    """Open a connection to a server on this machine."""
    _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
    return connection


async def shake_hands(connection: Connection, port: int) -> str:
    """Shake hands with a server that keeps sessions, and return the session's id."""
    head, _ = await connection.ask(initialize().to_http(port))
    session = next(
        line.partition(b":")[2].strip().decode()
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"mcp-session-id:")
    )
    notification = initialized().with_header("mcp-session-id", session)
    await connection.ask(notification.to_http(port))
    return session


async def in_session(connection: Connection, port: int, request: Request) -> Request:
    """Shake hands with a server that keeps sessions, and return the request as one of that session."""
    return request.with_header("mcp-session-id", await shake_hands(connection, port))


class Loop:
    """The connections of one turn at work.

    Args:
        seconds: how long they begin new calls.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._latencies: list[float] = []

    async def run(self, requests: list[tuple[Connection, bytes]]) -> Load:
        """Raises what went wrong with any of the connections."""
        begun, own_begun = perf_counter(), process_time()
        self._until = begun + self._seconds
        ended = [self._start(connection, data) for connection, data in requests]
        async with asyncio.timeout(self._seconds + ANSWER_SECONDS):
            await asyncio.gather(*ended)
        own_cpu = process_time() - own_begun
        return Load(len(self._latencies), perf_counter() - begun, self._latencies, own_cpu)

    def _start(self, connection: Connection, data: bytes) -> asyncio.Future[None]:
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sent = perf_counter()

        def answered(head: bytes, body: bytes) -> None:
            nonlocal sent
            now = perf_counter()
            self._latencies.append(now - sent)
            if now < self._until:
                sent = now
                connection.send(data, answered, ended.set_exception)
            else:
                ended.set_result(None)

        connection.send(data, answered, ended.set_exception)
        return ended
