"""A client that reads slowly makes the application wait, on daphne as well. daphne's own protocol, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from daphne.http_protocol import HTTPFactory
from daphne.server import Server
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from mcp_django.engine import clock
from mcp_django.transports.reply import Reply
from mcp_django.transports.slow_readers import PatientSend, patient
from mcp_django.transports.watch import Watch

pytestmark = pytest.mark.anyio

SECONDS = 10
START = {"type": "http.response.start", "status": 200, "headers": []}


class Connection:
    """A client of daphne, and the application that answers it as the test says."""

    def __init__(self) -> None:
        self.server = Server(self._answer, endpoints=["tcp:0"])
        self.server.connections = {}
        self.server.http_factory = HTTPFactory(self.server)
        self.transport = StringTransport()
        self.channel = self.server.http_factory.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1))
        self._called = asyncio.Event()
        self._done = asyncio.Event()

    async def open(self, *, begin: bool = True) -> Connection:
        """Send a request, and wait until the application has it, and has begun to answer it."""
        self.channel.makeConnection(self.transport)
        self.channel.dataReceived(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        async with asyncio.timeout(SECONDS):
            await self._called.wait()
        if begin:
            await self.send(START)
        return self

    async def close(self) -> None:
        """Let the application end, and wait for it."""
        self._done.set()
        for details in self.server.connections.values():
            await details["application_instance"]

    async def send(self, message: dict[str, Any]) -> None:
        async with asyncio.timeout(SECONDS):
            await self._send(message)

    async def part(self, text: bytes) -> None:
        """Send a part of the body."""
        await self.send({"type": "http.response.body", "body": text, "more_body": True})

    async def end(self, text: bytes = b"") -> None:
        """Send the last part of the body."""
        await self.send({"type": "http.response.body", "body": text})

    def stop_reading(self) -> None:
        """Let the transport say that its buffer is full."""
        self.transport.producer.pauseProducing()

    def read_on(self) -> None:
        """Let it say that there is room."""
        self.transport.producer.resumeProducing()

    def leave(self) -> None:
        """Break the connection, as a transport does."""
        self.transport.producer.stopProducing()
        self.channel.connectionLost(Failure(ConnectionDone()))

    @property
    def patient(self) -> PatientSend:
        assert isinstance(self._send, PatientSend)
        return self._send

    @property
    def written(self) -> bytes:
        return self.transport.value()

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        self._send = patient(send)
        self._called.set()
        await self._done.wait()


@pytest.fixture
async def connection() -> AsyncIterator[Connection]:
    connection = await Connection().open()
    yield connection
    await connection.close()


async def waits(task: asyncio.Task[None]) -> bool:
    """Whether a task still waits, after it has had every chance to go on."""
    for _ in range(10):
        await asyncio.sleep(0)
    return not task.done()


async def test_a_stream_begins_at_once_without_a_task() -> None:
    connection, tasks = await Connection().open(begin=False), asyncio.all_tasks()
    with pytest.raises(StopIteration):  # it is over, and has waited for nothing
        Reply(connection.patient).notify("notifications/message", {"level": "info"}).send(None)
    assert asyncio.all_tasks() - tasks == set()
    assert b"text/event-stream" in connection.written
    assert b'{"level":"info"}' in connection.written
    await connection.close()


async def test_who_reads_is_not_waited_for(connection: Connection) -> None:
    for text in (b"one", b"two"):
        await connection.part(text)
        assert text in connection.written
    await connection.end(b"three")
    assert connection.written.endswith(b"three\r\n0\r\n\r\n")


async def test_what_follows_waits_until_there_is_room(connection: Connection) -> None:
    await connection.part(b"one")
    connection.stop_reading()
    sending = asyncio.ensure_future(connection.part(b"two"))
    assert await waits(sending)
    assert b"two" not in connection.written
    connection.read_on()
    await sending
    assert b"two" in connection.written


async def test_the_last_part_waits_for_nobody(connection: Connection) -> None:
    await connection.part(b"one")
    connection.stop_reading()
    await connection.end(b"two")
    assert connection.written.endswith(b"two\r\n0\r\n\r\n")


async def test_who_leaves_is_not_waited_for(connection: Connection) -> None:
    await connection.part(b"one")
    connection.stop_reading()
    sending = asyncio.ensure_future(connection.part(b"two"))
    assert await waits(sending)
    connection.leave()
    await sending
    await connection.end()
    assert b"two" not in connection.written


async def test_who_left_before_the_first_part_is_not_waited_for(connection: Connection) -> None:
    connection.leave()
    await connection.part(b"one")
    await connection.end()
    assert connection.written == b""


async def test_a_body_in_one_part_needs_no_producer(connection: Connection) -> None:
    await connection.end(b"all")
    assert connection.written.endswith(b"all\r\n0\r\n\r\n")


async def test_the_send_of_another_server_is_left_as_it_is() -> None:
    async def send(message: dict[str, Any]) -> None: ...

    assert patient(send) is send
    bound = partial(send, START)
    assert patient(bound) is bound  # type: ignore[comparison-overlap, arg-type]


async def test_the_send_of_daphne_is_not(connection: Connection) -> None:
    assert isinstance(connection._send, PatientSend)


# Who leaves


async def test_a_stream_that_has_begun_tells_when_its_client_leaves(connection: Connection) -> None:
    told: list[str] = []
    assert not connection.patient.on_departure(lambda: told.append("too early"))
    await connection.part(b"one")
    assert connection.patient.on_departure(lambda: told.append("left"))
    assert told == []
    connection.leave()
    assert told == ["left"]


async def test_who_wants_to_know_no_more_is_not_told(connection: Connection) -> None:
    await connection.part(b"one")
    connection.patient.on_departure(lambda: pytest.fail("told"))
    connection.patient.on_departure(None)
    connection.leave()


async def test_nothing_is_promised_of_a_client_that_has_left(connection: Connection) -> None:
    await connection.part(b"one")
    connection.leave()
    assert not connection.patient.on_departure(lambda: pytest.fail("told"))


async def test_a_response_that_daphne_ends_by_itself_is_noticed_with_its_next_part(connection: Connection) -> None:
    """As it does after ``--http-timeout``."""
    told: list[str] = []
    await connection.part(b"one")
    connection.patient.on_departure(lambda: told.append("left"))
    connection.patient._request.finish()
    await connection.part(b"two")
    assert told == ["left"]


async def test_a_stream_of_daphne_is_watched_without_a_task(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "TICK_SECONDS", 0)
    reply, watched = Reply(connection.patient), asyncio.Event()

    async def receive() -> dict[str, Any]:
        pytest.fail("asked")

    async def stream() -> bool:
        await connection.part(b"one")
        with Watch(receive, reply, 60) as watch:
            while not watch.is_late:
                await asyncio.sleep(0)
            watched.set()
            await asyncio.Event().wait()
        return watch.end == "left"

    before = asyncio.all_tasks()
    streaming = asyncio.ensure_future(stream())
    async with asyncio.timeout(SECONDS):
        await watched.wait()
        assert asyncio.all_tasks() - before == {streaming}
        connection.leave()
        assert await streaming
