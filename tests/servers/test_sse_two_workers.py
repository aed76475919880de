"""HTTP+SSE with two daphne workers over PostgreSQL and Redis: the stream at one, what is posted at the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import httpx2
import pytest
from mcp_types import ElicitResult

from tests.servers.endpoint import SECONDS
from tests.servers.fleet import Balancer, Fleet, http_client, migrated_database, soon
from tests.servers.sse import SSEClient, connected, official_client

pytestmark = [pytest.mark.server, pytest.mark.matrix, pytest.mark.anyio]


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with migrated_database() as database, Fleet(database) as fleet:
        yield fleet


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with http_client() as http:
        yield http


@pytest.fixture
def one(fleet: Fleet) -> str:
    return fleet.urls[0]


@pytest.fixture
def two(fleet: Fleet) -> str:
    return fleet.urls[1]


@pytest.fixture
async def client(http: httpx2.AsyncClient, one: str, two: str) -> AsyncIterator[SSEClient]:
    """A client whose stream is at the first worker, and who has shaken hands through the second."""
    async with connected(http, one) as client:
        await client.shake_hands(two)
        yield client


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_the_official_client_is_served_by_whichever_worker_gets_its_messages(fleet: Fleet, mode: str) -> None:
    async def answer(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action="accept", content={"sure": True, "word": f"answer to {params.message}"})

    balancer = Balancer(fleet)
    async with official_client(fleet.urls[0], balancer, mode=mode, elicitation_callback=answer) as client:
        processes = {(await client.call_tool("worker")).structured_content["result"] for _ in range(6)}  # type: ignore[index]
        assert len(processes) == 1, "all calls run where the stream is"
        for tool in ("confirm", "confirm_sync"):
            result = await client.call_tool(tool, {"message": tool})
            assert result.structured_content is not None
            assert result.structured_content["result"].endswith(f"accept answer to {tool}")
    assert {worker for method, worker in balancer.asked if method == "POST"} == {0, 1}


async def test_what_is_posted_at_one_is_answered_on_the_stream_at_the_other(
    fleet: Fleet, client: SSEClient, one: str, two: str
) -> None:
    for url in (two, one, two):
        result = await client.result(await client.call(url, "worker"))
        assert result["content"][0]["text"] == str(fleet.workers[0].pid)


async def test_a_question_is_answered_through_the_other(client: SSEClient, two: str) -> None:
    """With a NUL in the answer, which PostgreSQL takes neither in text nor in JSON."""
    call = await client.call(two, "confirm", message="Sure?")
    question = await client.stream.message()
    assert question["method"] == "elicitation/create"
    answer = {"action": "accept", "content": {"sure": True, "word": "a\0b é"}}
    await client.post(two, {"jsonrpc": "2.0", "id": question["id"], "result": answer})
    assert (await client.result(call))["content"][0]["text"].endswith("accept a\0b é")


@pytest.mark.parametrize("tool", ["wait", "wait_sync"])
async def test_a_call_is_cancelled_through_the_other(client: SSEClient, two: str, tool: str) -> None:
    call = await client.call(two, tool)
    assert (await client.stream.message())["method"] == "notifications/progress"
    await client.tell(two, "notifications/cancelled", requestId=call)
    while not await is_free(client, two, call):
        await anyio.sleep(0.02)


async def is_free(client: SSEClient, url: str, request_id: int) -> bool:
    """Whether no call of this id is under way: another one would be refused."""
    await client.post(url, {"jsonrpc": "2.0", "id": request_id, "method": "ping"})
    return "result" in await client.stream.message()


async def test_a_hundred_messages_through_both_are_all_answered(client: SSEClient, one: str, two: str) -> None:
    calls = set()
    async with anyio.create_task_group() as group:

        async def post(url: str) -> None:
            for _ in range(50):
                calls.add(await client.start(url, "ping"))

        group.start_soon(post, one)
        group.start_soon(post, two)
    while calls:
        calls.discard((await client.stream.message())["id"])


async def test_what_changes_at_one_is_told_on_the_stream_at_the_other(client: SSEClient, one: str, two: str) -> None:
    await client.result(await client.start(two, "resources/subscribe", {"uri": "bench://1"}))
    await client.call(two, "change", first=1)
    while (message := await client.stream.message()).get("method") != "notifications/resources/updated":
        pass
    assert message["params"] == {"uri": "bench://1"}


async def test_a_stream_that_was_left_is_gone_for_both(http: httpx2.AsyncClient, one: str, two: str) -> None:
    async with connected(http, one) as client:
        await client.shake_hands(two)
    for url in (one, two):
        await soon(lambda url=url: client.is_gone(url))


@pytest.mark.parametrize("session_id", ["unknown", "%00", "%ff"])
async def test_a_session_that_nobody_opened_is_refused(http: httpx2.AsyncClient, one: str, session_id: str) -> None:
    """PostgreSQL takes no NUL, not even to look for."""
    response = await http.post(f"{one}/messages?session_id={session_id}", json={"jsonrpc": "2.0", "id": 1})
    assert response.status_code == 404


async def test_a_session_that_a_command_ends_closes_its_stream(fleet: Fleet, client: SSEClient) -> None:
    await anyio.to_thread.run_sync(fleet.command, "clearmcpsessions", "--all")
    with anyio.fail_after(SECONDS), pytest.raises(EOFError):
        await client.stream.message()


async def test_a_worker_that_is_killed_takes_its_streams_with_it_and_no_others(
    fleet: Fleet, http: httpx2.AsyncClient, two: str
) -> None:
    """The client opens another stream; the other worker's goes on."""
    async with connected(http, two) as other:
        await other.shake_hands(two)
        async with connected(http, fleet.urls[0]) as client:
            await client.shake_hands(two)
            fleet.kill(0)
            with pytest.raises((EOFError, httpx2.TransportError)):
                await client.stream.message()
        assert await other.result(await other.start(two, "ping")) == {}
    await anyio.to_thread.run_sync(fleet.restart, 0)
    async with connected(http, fleet.urls[0]) as client:
        await client.shake_hands(two)
