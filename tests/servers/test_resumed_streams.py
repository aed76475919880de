"""A connection that is lost in the middle of a call: the client comes back to another worker, and gets the rest."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx2
import pytest

from tests.servers.endpoint import Stream
from tests.servers.fleet import Fleet, Peer, balanced, http_client

pytestmark = [pytest.mark.server, pytest.mark.matrix, pytest.mark.anyio]


@pytest.fixture(scope="module")
def fleet(workers_database: str) -> Iterator[Fleet]:
    with Fleet(workers_database, EVENT_LOG=True) as fleet:
        yield fleet


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with http_client() as http:
        yield http


@pytest.fixture
async def peer(http: httpx2.AsyncClient, fleet: Fleet) -> Peer:
    return await Peer(http).open(fleet.urls[0])


async def event_id(stream: Stream) -> str:
    """Wait for the next event's id."""
    while not (line := await stream.line()).startswith("id: "):
        pass
    return line.removeprefix("id: ")


@asynccontextmanager
async def reading_on(peer: Peer, url: str, last: str) -> AsyncIterator[Stream]:
    """Come back to a stream."""
    headers = {**peer.headers, "accept": "text/event-stream", "last-event-id": last}
    async with peer.http.stream("GET", url, headers=headers) as response:
        assert response.status_code == 200
        yield Stream(response, peer.seconds)


async def lose(peer: Peer, url: str, tool: str, **arguments: object) -> str:
    """Call a tool, close the connection after its first word, and return that word's id."""
    async with peer.calling(url, tool, **arguments) as stream:
        beginning, last = await event_id(stream), await event_id(stream)
        assert beginning != last
        assert (await stream.message())["method"] == "notifications/progress"
    return last


async def test_the_rest_of_a_call_is_read_at_the_other_worker(peer: Peer, fleet: Fleet) -> None:
    one, two = fleet.urls
    last = await lose(peer, one, "confirm_slowly", message="Sure?")
    async with reading_on(peer, two, last) as stream:
        while (question := await stream.message())["method"] != "elicitation/create":
            pass
        await peer.answer(two, question, sure=True, word="yes")
        answer = (await stream.message())["result"]["structuredContent"]["result"]
    assert answer == f"{fleet.workers[0].pid} accept yes"


async def test_the_official_client_polls_at_whichever_worker(fleet: Fleet) -> None:
    async with balanced(fleet) as client:
        for _ in range(3):
            result = await client.call_tool("poll")
            assert result.structured_content is not None
            assert result.structured_content["result"] in {worker.pid for worker in fleet.workers}


async def test_a_call_whose_worker_is_killed_ends_with_an_error_and_the_session_goes_on(
    peer: Peer, fleet: Fleet
) -> None:
    one, two = fleet.urls
    last = await lose(peer, one, "wait")
    fleet.kill(0)
    try:
        async with reading_on(peer, two, last) as stream:
            message = await stream.message()
        assert message["error"]["message"] == "The call was lost: call again."
        assert await peer.call(two, "worker") == fleet.workers[1].pid
    finally:
        fleet.restart(0)
