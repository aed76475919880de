"""Far more at once than a channel layer holds, or than a client reads: nothing is lost, and nothing grows."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from time import perf_counter

import anyio
import httpx2
import pytest

from tests.servers.fleet import ACCEPT, Fleet, Peer, http_client, subscription, updates
from tests.servers.processes import ServerProcess
from tests.wire import modern_request

logger = logging.getLogger(__name__)

pytestmark = [pytest.mark.server, pytest.mark.matrix, pytest.mark.anyio]

SECONDS = 100
"""How long a thousand of anything may take, on a machine that has much else to do."""

EVENTS = 10_000
QUESTIONS = 1000
STREAMS = 1000
SESSIONS = 1000

AT_ONCE = 50
"""Requests that a test has under way where their number isn't the point."""

CLIENTS = 20
"""So many share the connections: what a client does for each request grows with the connections that it has."""

MIB = 1024 * 1024

LIMITS = {"MAX_CALLS_PER_SESSION": QUESTIONS, "MAX_STREAMS": STREAMS + 50}


@pytest.fixture(scope="module")
def two(workers_database: str) -> Iterator[Fleet]:
    """Two workers over Redis, with a layer of default capacity."""
    with Fleet(workers_database, **LIMITS) as fleet:
        yield fleet


@pytest.fixture(scope="module")
def one(workers_database: str) -> Iterator[Fleet]:
    """One worker over the layer in memory, likewise."""
    with Fleet(workers_database, layer="", workers=1, **LIMITS) as fleet:
        yield fleet


@pytest.fixture(params=["one", "two"])
def fleet(request: pytest.FixtureRequest) -> Fleet:
    fleet: Fleet = request.getfixturevalue(request.param)
    return fleet


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with http_client(SECONDS) as http:
        yield http


@pytest.fixture
async def clients() -> AsyncIterator[list[httpx2.AsyncClient]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(http_client(SECONDS)) for _ in range(CLIENTS)]


class Countdown:
    """Lets everybody wait until so many are there."""

    def __init__(self, number: int) -> None:
        self._left = number
        self.over = anyio.Event()

    def count(self) -> None:
        self._left -= 1
        if not self._left:
            self.over.set()


async def test_of_ten_thousand_events_every_subscriber_learns_what_concerns_it(
    fleet: Fleet, http: httpx2.AsyncClient
) -> None:
    """The layer holds 100 messages. One worker sends twice as many, while the other stands still."""
    wanted = [{f"bench://{number}" for number in range(start, EVENTS, 20)} for start in range(20)]
    async with AsyncExitStack() as stack:
        streams = [
            await stack.enter_async_context(subscription(http, url, *uris, seconds=SECONDS))
            for url, uris in zip([fleet.urls[0], fleet.urls[-1]] * 10, wanted, strict=True)
        ]
        peer = await Peer(http).open(fleet.urls[0])
        with standing_still(fleet.workers[1:]):
            assert await peer.call(fleet.urls[0], "change_in_turn", count=EVENTS, batch=EVENTS // 200) == EVENTS
        async with anyio.create_task_group() as group:
            for stream, uris in zip(streams, wanted, strict=True):
                group.start_soon(updates, stream, uris)


@contextmanager
def standing_still(workers: list[ServerProcess]) -> Iterator[None]:
    """Let workers do nothing for a while."""
    for worker in workers:
        os.kill(worker.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for worker in workers:
            os.kill(worker.pid, signal.SIGCONT)


async def test_of_a_thousand_calls_that_wait_at_once_each_gets_its_answer(
    fleet: Fleet, clients: list[httpx2.AsyncClient]
) -> None:
    """The answers go to the last worker, which isn't the one that asks if there are two."""
    asking, answering = fleet.urls[0], fleet.urls[-1]
    peers = [await Peer(http, SECONDS).open(asking) for http in clients]
    asked, slots = Countdown(QUESTIONS), anyio.Semaphore(AT_ONCE)

    async def be_asked(number: int) -> None:
        peer = peers[number % CLIENTS]
        async with peer.calling(asking, "confirm", message=str(number)) as stream:
            question = await stream.message()
            asked.count()
            await asked.over.wait()
            async with slots:
                await peer.answer(answering, question, sure=True, word=f"answer {number}")
            result = (await stream.message())["result"]
            assert result["structuredContent"]["result"] == f"{fleet.workers[0].pid} accept answer {number}"

    async with anyio.create_task_group() as group:
        for number in range(QUESTIONS):
            group.start_soon(be_asked, number)


async def test_a_thousand_streams_that_are_opened_at_once_hear_of_one_event(
    fleet: Fleet, clients: list[httpx2.AsyncClient]
) -> None:
    opened, heard = Countdown(STREAMS), Countdown(STREAMS)

    async def listen(http: httpx2.AsyncClient, url: str) -> None:
        async with subscription(http, url, "bench://1", seconds=SECONDS) as stream:
            opened.count()
            await updates(stream, {"bench://1"})
            heard.count()
            await heard.over.wait()

    async with anyio.create_task_group() as group:
        for number in range(STREAMS):
            group.start_soon(listen, clients[number % CLIENTS], fleet.urls[number % len(fleet.urls)])
        await opened.over.wait()
        begun = perf_counter()
        await (await Peer(clients[0]).open(fleet.urls[0])).call(fleet.urls[0], "change", first=1)
        await heard.over.wait()
        logger.info("%.2f s until the last stream of %d had heard of it", perf_counter() - begun, STREAMS)


async def test_a_client_that_stops_reading_costs_little_memory_and_holds_up_nobody(
    one: Fleet, http: httpx2.AsyncClient
) -> None:
    """40 times half a MiB is told to both; the one that reads hears all of it."""
    (url,), (worker,) = one.urls, one.workers
    count, suffix = 500, "/" + "x" * 1000
    uris = [f"bench://{number}{suffix}" for number in range(count)]
    peer = await Peer(http).open(url)
    async with stopped(worker.port, uris), subscription(http, url, *uris, seconds=SECONDS) as reader:
        before = 0
        for turn in range(40):
            await peer.call(url, "change", count=count, suffix=suffix)
            await updates(reader, set(uris))
            before = before or (memory(worker) if turn == 5 else 0)
        assert memory(worker) - before < 6 * MIB


@asynccontextmanager
async def stopped(port: int, uris: list[str]) -> AsyncIterator[None]:
    """Listen, until it is acknowledged, and read no further."""
    body, headers = modern_request("subscriptions/listen", {"notifications": {"resourceSubscriptions": uris}})
    request = httpx2.Request("POST", f"http://127.0.0.1:{port}/mcp", json=body, headers={**ACCEPT, **headers})
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    async with await anyio.connect_tcp("127.0.0.1", port) as connection:
        await connection.send("\r\n".join(["POST /mcp HTTP/1.1", *lines, "", ""]).encode() + request.content)
        received = b""
        while uris[-1].encode() not in received:
            received += await connection.receive()
        yield


async def test_a_thousand_abandoned_sessions_leave_nothing_behind(one: Fleet, http: httpx2.AsyncClient) -> None:
    (url,), (worker,) = one.urls, one.workers
    peer = await Peer(http).open(url)
    await abandon(http, url, SESSIONS // 5)
    before = memory(worker)
    await abandon(http, url, SESSIONS)
    assert memory(worker) - before < 6 * MIB
    age = f"""
from datetime import timedelta
from django.utils import timezone
from mcp_django.models import Session
Session.objects.exclude(pk="{peer.session}").update(seen=timezone.now() - timedelta(days=2))
"""
    await anyio.to_thread.run_sync(one.shell, age)
    await anyio.to_thread.run_sync(one.command, "clearmcpsessions")
    count = "from mcp_django.models import Session; print(Session.objects.count())"
    assert int(await anyio.to_thread.run_sync(one.shell, count)) == 1
    assert await peer.ask(url, "ping") == {}


async def abandon(http: httpx2.AsyncClient, url: str, number: int) -> None:
    """Shake hands so many times, and say no more."""
    slots = anyio.Semaphore(AT_ONCE)

    async def open_one() -> None:
        async with slots:
            await Peer(http).open(url)

    async with anyio.create_task_group() as group:
        for _ in range(number):
            group.start_soon(open_one)


def memory(worker: ServerProcess) -> int:
    """Return the bytes that a worker has in memory."""
    pages = int(Path(f"/proc/{worker.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
