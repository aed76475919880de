"""What changes is told at once, from whatever thread or process of the project."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import anyio
import httpx2
import pytest

from tests.servers.endpoint import Stream
from tests.servers.fleet import Fleet, Peer, subscription

pytestmark = [pytest.mark.server, pytest.mark.matrix, pytest.mark.anyio]

URIS = ("bench://0", "bench://1", "bench://2")


@pytest.fixture(scope="module")
def two(workers_database: str) -> Iterator[Fleet]:
    """Two workers over Redis."""
    with Fleet(workers_database) as fleet:
        yield fleet


@pytest.fixture(scope="module")
def one(workers_database: str) -> Iterator[Fleet]:
    """One worker over the layer in memory."""
    with Fleet(workers_database, layer="", workers=1) as fleet:
        yield fleet


@pytest.fixture(params=["one", "two"])
def fleet(request: pytest.FixtureRequest) -> Fleet:
    fleet: Fleet = request.getfixturevalue(request.param)
    return fleet


@pytest.fixture
async def streams(fleet: Fleet, http: httpx2.AsyncClient) -> AsyncIterator[list[Stream]]:
    """A stream at each worker, for the changes of three resources."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(subscription(http, url, *URIS)) for url in fleet.urls]


async def hear(streams: list[Stream], number: int) -> None:
    """Wait for the news of one resource.

    It is the next that is heard. After a loss everybody is told of everything, and the first resource would be next.
    """
    for stream in streams:
        assert (await stream.message())["params"]["uri"] == f"bench://{number}"


async def test_a_bare_thread_is_heard_at_once(fleet: Fleet, http: httpx2.AsyncClient, streams: list[Stream]) -> None:
    for number in (1, 2):
        await Peer(http).call(fleet.urls[0], "change_from_a_thread", number=number)
        await hear(streams, number)


async def test_a_sync_view_is_heard_at_once(fleet: Fleet, http: httpx2.AsyncClient, streams: list[Stream]) -> None:
    for number in (1, 2):
        url = fleet.urls[0].replace("/mcp", f"/changed/{number}")
        assert (await http.get(url)).status_code == 204
        await hear(streams, number)


async def test_a_command_is_heard_at_once(two: Fleet, http: httpx2.AsyncClient) -> None:
    async with subscription(http, two.urls[0], *URIS) as first, subscription(http, two.urls[1], *URIS) as second:
        for number in (1, 2):
            await anyio.to_thread.run_sync(two.command, "change", str(number))
            await hear([first, second], number)
