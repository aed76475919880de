"""Sessions outlive workers that are killed or restarted, and a Redis that goes away; nobody gets at another's."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from tests.servers.endpoint import answer_in
from tests.servers.fleet import (
    ACCEPT,
    Fleet,
    Peer,
    balanced,
    soon,
    subscription,
    updates,
)
from tests.servers.own_redis import OwnRedis
from tests.servers.processes import ServerProcess
from tests.wire import modern_request

pytestmark = [pytest.mark.server, pytest.mark.matrix, pytest.mark.anyio]

Step = Callable[[], Awaitable[None]]

RECOVERY_SECONDS = 60
"""How long workers and Redis may take to find each other again, on a machine that has much else to do."""


@pytest.fixture(scope="module")
def redis() -> Iterator[OwnRedis]:
    with OwnRedis() as redis:
        yield redis


@pytest.fixture(scope="module")
def fleet(workers_database: str, redis: OwnRedis) -> Iterator[Fleet]:
    with Fleet(workers_database, redis.url) as fleet:
        yield fleet


async def restart(fleet: Fleet, *workers: int) -> None:
    for worker in workers:
        await anyio.to_thread.run_sync(fleet.restart, worker)


# Workers


async def test_a_client_notices_nothing_of_a_worker_that_is_killed_between_two_calls(fleet: Fleet) -> None:
    async with balanced(fleet) as client:
        for _ in range(2):
            await client.call_tool("worker")
        fleet.kill(0)
        for _ in range(4):
            result = await client.call_tool("worker")
            assert result.structured_content == {"result": fleet.workers[1].pid}
    await restart(fleet, 0)


@pytest.mark.parametrize("tool", ["wait", "wait_sync", "confirm"])
async def test_a_call_whose_worker_is_killed_ends_with_its_connection_and_the_session_goes_on(
    fleet: Fleet, http: httpx2.AsyncClient, tool: str
) -> None:
    one, two = fleet.urls
    peer = await Peer(http).open(one)
    arguments = {"message": "Sure?"} if tool == "confirm" else {}
    async with peer.calling(one, tool, **arguments) as stream:
        message = await stream.message()
        fleet.kill(0)
        with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)):
            await stream.message()
    if tool == "confirm":
        await peer.answer(two, message, sure=True)  # which nobody waits for any more
    assert await peer.call(two, "worker") == fleet.workers[1].pid
    await restart(fleet, 0)
    assert await peer.call(fleet.urls[0], "worker") == fleet.workers[0].pid


async def test_a_session_outlives_the_restart_of_all_workers(fleet: Fleet, http: httpx2.AsyncClient) -> None:
    peer = await Peer(http).open(fleet.urls[0])
    await peer.ask(fleet.urls[1], "resources/subscribe", {"uri": "bench://1"})
    await restart(fleet, 0, 1)
    one, two = fleet.urls
    async with peer.listening(two) as stream:
        await peer.call(one, "change", first=1)
        await updates(stream, {"bench://1"})
    async with peer.calling(one, "confirm", message="Sure?") as stream:
        await peer.answer(two, await stream.message(), sure=True, word="still here")
        assert (await stream.message())["result"]["structuredContent"]["result"].endswith("accept still here")


# Redis


@asynccontextmanager
async def crossed(fleet: Fleet, http: httpx2.AsyncClient) -> AsyncIterator[tuple[Step, Step]]:
    """Open a stream at each worker. Yields how to tell, at the other one, what it waits for, and how to hear of it."""
    one, two = fleet.urls
    peer = await Peer(http).open(one)
    await peer.ask(one, "resources/subscribe", {"uri": "bench://1"})
    async with peer.listening(one) as first, subscription(http, two, "bench://2") as second:

        async def tell() -> None:
            await peer.call(two, "change", first=1)
            await peer.call(one, "change", first=2)

        async def hear() -> None:
            with anyio.fail_after(RECOVERY_SECONDS):
                await updates(first, {"bench://1"})
                await updates(second, {"bench://2"})

        yield tell, hear


async def test_what_was_told_while_redis_was_away_is_heard_when_it_is_back(
    fleet: Fleet, redis: OwnRedis, http: httpx2.AsyncClient
) -> None:
    async with crossed(fleet, http) as (tell, hear):
        redis.kill()
        await tell()
        await anyio.to_thread.run_sync(redis.start)
        await hear()


async def test_streams_that_redis_left_behind_hear_of_what_happens_after_its_return(
    fleet: Fleet, redis: OwnRedis, http: httpx2.AsyncClient
) -> None:
    async with crossed(fleet, http) as (tell, hear):
        redis.kill()
        await anyio.to_thread.run_sync(redis.start)
        for _ in range(2):
            await tell()
            await hear()


async def test_without_redis_calls_and_questions_go_on_and_no_worker_spins(
    fleet: Fleet, redis: OwnRedis, http: httpx2.AsyncClient
) -> None:
    one, two = fleet.urls
    peer = await Peer(http).open(one)
    before = await busy(fleet.workers)
    redis.kill()
    assert await busy(fleet.workers) < before + 0.3
    for url, worker in zip(fleet.urls, fleet.workers, strict=True):
        assert await peer.call(url, "worker") == worker.pid
    async with peer.calling(one, "confirm", message="Sure?") as stream:
        await peer.answer(two, await stream.message(), sure=True, word="by way of its row")
        assert (await stream.message())["result"]["structuredContent"]["result"].endswith("accept by way of its row")
    assert (await http.delete(two, headers=peer.headers)).status_code == 204
    await soon(partial(refused, peer, one))
    await anyio.to_thread.run_sync(redis.start)
    assert await busy(fleet.workers) < before + 0.3


async def refused(peer: Peer, url: str) -> bool:
    return (await peer.post(url, peer.request("ping"))).status_code == 404


async def busy(workers: list[ServerProcess], seconds: float = 3) -> float:
    """Return how much of a processor the busiest worker uses, over an interval in which nobody asks anything."""
    before = [processor_seconds(worker.pid) for worker in workers]
    await anyio.sleep(seconds)
    after = [processor_seconds(worker.pid) for worker in workers]
    return max(later - earlier for earlier, later in zip(before, after, strict=True)) / seconds


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# Strangers


async def test_an_id_that_is_nobody_s_opens_nothing_at_any_worker(fleet: Fleet, http: httpx2.AsyncClient) -> None:
    peer = await Peer(http).open(fleet.urls[0])
    guess = Peer(http)
    guess.session = peer.session[:-1] + ("a" if peer.session[-1] != "a" else "b")
    for url in fleet.urls:
        assert (await guess.post(url, guess.request("ping"))).status_code == 404
        assert (await http.delete(url, headers=guess.headers)).status_code == 404
        assert (await http.get(url, headers={**guess.headers, "accept": "text/event-stream"})).status_code == 404
        assert await peer.ask(url, "ping") == {}


async def test_a_guessed_answer_reaches_nobody_s_question(fleet: Fleet, http: httpx2.AsyncClient) -> None:
    one, two = fleet.urls
    peer, stranger = await Peer(http).open(one), await Peer(http).open(two)
    async with peer.calling(one, "confirm", message="Sure?") as stream:
        question = await stream.message()
        for url in fleet.urls:
            for guess in (question["id"][:-1], "mcp-", "mcp-1", question["id"] + "x"):
                await peer.answer(url, {"id": guess}, sure=True, word="guessed")
            await stranger.answer(url, question, sure=True, word="forged")
        await peer.answer(two, question, sure=True, word="mine")
        assert (await stream.message())["result"]["structuredContent"]["result"].endswith("accept mine")


async def test_the_state_of_one_tool_s_question_is_no_answer_to_another_s(
    fleet: Fleet, http: httpx2.AsyncClient
) -> None:
    """A 2026-07-28 client carries the state itself, to whichever worker it likes."""
    one, two = fleet.urls
    asked = (await modern_call(http, one, "confirm"))["result"]
    (key,) = asked["inputRequests"]
    answers = {key: {"action": "accept", "content": {"sure": True, "word": "mine"}}}
    given = {"inputResponses": answers, "requestState": asked["requestState"]}
    for url in (one, two):
        assert (await modern_call(http, url, "confirm_sync", **given))["error"]["code"] == -32602
    result = (await modern_call(http, two, "confirm", **given))["result"]
    assert result["structuredContent"]["result"] == f"{fleet.workers[1].pid} accept mine"


async def modern_call(http: httpx2.AsyncClient, url: str, tool: str, **more: Any) -> dict[str, Any]:
    """Call a tool that asks whether somebody is sure, as a client that can be asked."""
    params = {"name": tool, "arguments": {"message": "Sure?"}, **more}
    able = {"io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}}
    body, headers = modern_request("tools/call", params, **able)
    return answer_in(await http.post(url, json=body, headers={**ACCEPT, **headers}))
