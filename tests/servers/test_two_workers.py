"""Two daphne workers over PostgreSQL and Redis: whichever gets a request, the client notices no difference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anyio
import anyio.abc
import httpx2
import pytest
from mcp_types import ElicitResult

from tests.servers.fleet import Fleet, Peer, balanced, soon, subscription, updates
from tests.wire import MODERN

pytestmark = [pytest.mark.server, pytest.mark.matrix, pytest.mark.anyio]


@pytest.fixture(scope="module")
def fleet(workers_database: str) -> Iterator[Fleet]:
    with Fleet(workers_database) as fleet:
        yield fleet


@pytest.fixture
async def peer(http: httpx2.AsyncClient, fleet: Fleet) -> Peer:
    """A client that has shaken hands with the first worker."""
    return await Peer(http).open(fleet.urls[0])


@pytest.fixture
def one(fleet: Fleet) -> str:
    return fleet.urls[0]


@pytest.fixture
def two(fleet: Fleet) -> str:
    return fleet.urls[1]


# The official client, behind a balancer that remembers nothing


@pytest.mark.parametrize("mode", ["legacy", "auto", MODERN])
async def test_the_official_client_is_served_by_both_in_turn(fleet: Fleet, mode: str) -> None:
    async with balanced(fleet, mode) as client:
        processes = {(await client.call_tool("worker")).structured_content["result"] for _ in range(6)}  # type: ignore[index]
        assert processes == {worker.pid for worker in fleet.workers}
        assert "confirm" in {tool.name for tool in (await client.list_tools()).tools}
        assert (await client.read_resource("bench://7")).contents[0].text == "thing 7"  # type: ignore[union-attr]


@pytest.mark.parametrize("tool", ["confirm", "confirm_sync"])
@pytest.mark.parametrize("mode", ["legacy", MODERN])
async def test_the_official_client_is_asked_by_one_and_answers_to_the_other(fleet: Fleet, mode: str, tool: str) -> None:
    asked: list[str] = []

    async def answer(context: Any, params: Any) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"sure": True, "word": f"answer to {params.message}"})

    async with balanced(fleet, mode, elicitation_callback=answer) as client:
        for number in range(4):
            result = await client.call_tool(tool, {"message": str(number)})
            assert result.structured_content is not None
            assert result.structured_content["result"].endswith(f"accept answer to {number}")
    assert asked == ["0", "1", "2", "3"]


# A session's requests


async def test_a_session_opened_by_one_is_known_to_the_other_at_once(peer: Peer, two: str) -> None:
    assert await peer.ask(two, "ping") == {}


async def test_a_question_is_asked_by_one_and_answered_through_the_other(
    fleet: Fleet, peer: Peer, one: str, two: str
) -> None:
    """With a NUL in the answer, which PostgreSQL takes neither in text nor in JSON."""
    for asking, answering, process in ((one, two, 0), (two, one, 1)):
        async with peer.calling(asking, "confirm", message="Sure?") as stream:
            question = await stream.message()
            assert question["method"] == "elicitation/create"
            await peer.answer(answering, question, sure=True, word="a\0b é")
            result = (await stream.message())["result"]
        assert result["structuredContent"]["result"] == f"{fleet.workers[process].pid} accept a\0b é"


async def test_another_session_s_question_can_not_be_answered_through_the_other(
    http: httpx2.AsyncClient, peer: Peer, one: str, two: str
) -> None:
    stranger = await Peer(http).open(two)
    async with peer.calling(one, "confirm", message="Sure?") as stream:
        question = await stream.message()
        await stranger.answer(two, question, sure=True, word="forged")
        await stranger.answer(one, question, sure=True, word="forged")
        await peer.answer(two, question, sure=True, word="mine")
        assert (await stream.message())["result"]["structuredContent"]["result"].endswith("accept mine")


async def test_a_call_that_one_runs_is_cancelled_through_the_other(peer: Peer, one: str, two: str) -> None:
    for tool in ("wait", "wait_sync", "confirm"):
        arguments = {"message": "Sure?"} if tool == "confirm" else {}
        async with peer.calling(one, tool, **arguments) as stream:
            await stream.message()
            await peer.tell(two, "notifications/cancelled", requestId=peer._id)
            with pytest.raises(EOFError):
                await stream.message()


async def test_the_log_level_that_one_was_told_holds_for_the_other(peer: Peer, one: str, two: str) -> None:
    async def hints() -> bool:
        async with peer.http.stream("POST", two, json=HINT, headers=peer.headers) as response:
            return "a hint" in (await response.aread()).decode()

    HINT = peer.request("tools/call", {"name": "hint", "arguments": {}})
    assert await hints()
    await peer.ask(one, "logging/setLevel", {"level": "warning"})

    async def silent() -> bool:
        return not await hints()

    await soon(silent, seconds=2)


async def test_a_session_that_was_ended_at_one_is_refused_by_the_other_within_a_second(
    http: httpx2.AsyncClient, fleet: Fleet, one: str, two: str
) -> None:
    for first, second in ((one, two), (two, one)):
        peer = await Peer(http).open(first)
        assert await peer.ask(second, "ping") == {}
        assert (await http.delete(first, headers=peer.headers)).status_code == 204
        await soon(lambda peer=peer, second=second: refused(peer, second), seconds=1)


async def test_a_session_that_a_command_ended_is_refused_by_both_at_once(
    fleet: Fleet, peer: Peer, one: str, two: str
) -> None:
    for url in (one, two):
        assert await peer.ask(url, "ping") == {}
    await anyio.to_thread.run_sync(fleet.command, "clearmcpsessions", "--all")
    for url in (one, two):
        await soon(lambda url=url: refused(peer, url), seconds=1)


async def test_a_worker_that_has_only_opened_a_session_hears_of_its_end(
    http: httpx2.AsyncClient, one: str, two: str
) -> None:
    peer = await Peer(http).open(one)
    assert (await http.delete(two, headers=peer.headers)).status_code == 204
    await soon(lambda: refused(peer, one), seconds=1)


async def refused(peer: Peer, url: str) -> bool:
    return (await peer.post(url, peer.request("ping"))).status_code == 404


# News


async def test_what_changes_at_one_is_told_on_a_stream_at_the_other(peer: Peer, one: str, two: str) -> None:
    async with peer.listening(one) as stream:
        await peer.ask(one, "resources/subscribe", {"uri": "bench://1"})
        await peer.call(two, "change", first=0, count=3)
        assert (await stream.message())["params"] == {"uri": "bench://1"}
        await peer.call(two, "change_tools")
        assert (await stream.message())["method"] == "notifications/tools/list_changed"


async def test_what_is_subscribed_to_through_one_is_told_on_a_stream_at_the_other(
    peer: Peer, one: str, two: str
) -> None:
    await peer.ask(two, "ping")
    async with peer.listening(two) as stream:
        await peer.ask(one, "resources/subscribe", {"uri": "bench://5"})
        await updates(stream, {"bench://5"})  # it may have changed before this stream knew
        await peer.call(one, "change", first=5)
        await updates(stream, {"bench://5"})


async def test_subscriptions_made_through_both_in_turn_are_all_kept(peer: Peer, one: str, two: str) -> None:
    uris = [f"bench://{number}" for number in range(20)]
    async with anyio.create_task_group() as group:
        for number, uri in enumerate(uris):
            group.start_soon(peer.ask, (one, two)[number % 2], "resources/subscribe", {"uri": uri})
    async with peer.listening(two) as stream:
        await peer.call(one, "change", count=20)
        await updates(stream, set(uris))


async def test_a_process_that_ends_at_once_is_heard(
    fleet: Fleet, http: httpx2.AsyncClient, peer: Peer, one: str, two: str
) -> None:
    code = "from mcp_django import mcp; mcp.notify_resource_updated('bench://3')"
    async with peer.listening(one) as first, subscription(http, two, "bench://3") as second:
        await peer.ask(one, "resources/subscribe", {"uri": "bench://3"})
        await anyio.to_thread.run_sync(fleet.shell, code)
        for stream in (first, second):
            await updates(stream, {"bench://3"})


async def test_a_child_of_a_process_that_has_told_something_is_heard_as_well(
    fleet: Fleet, http: httpx2.AsyncClient, one: str
) -> None:
    """As the children of a Celery worker, which share none of their parent's threads."""
    code = """
from mcp_django import mcp
mcp.notify_resource_updated("bench://parent")
child = os.fork()
mcp.notify_resource_updated("bench://before" if child else "bench://child")
if child:
    os.waitpid(child, 0)
"""
    uris = {"bench://parent", "bench://before", "bench://child"}
    async with subscription(http, one, *uris) as stream:
        await anyio.to_thread.run_sync(fleet.shell, code)
        await updates(stream, uris)


async def test_an_async_process_and_its_threads_are_heard(fleet: Fleet, http: httpx2.AsyncClient, one: str) -> None:
    code = """
import asyncio, threading
from mcp_django import mcp
async def main():
    await mcp.anotify_resource_updated("bench://async")
    await asyncio.to_thread(mcp.notify_resource_updated, "bench://thread")
asyncio.run(main())
asyncio.run(mcp.anotify_resource_updated("bench://again"))
thread = threading.Thread(target=mcp.notify_resource_updated, args=["bench://bare"])
thread.start()
"""
    uris = {f"bench://{name}" for name in ("async", "thread", "again", "bare")}
    async with subscription(http, one, *uris) as stream:
        await anyio.to_thread.run_sync(fleet.shell, code)
        await updates(stream, uris)


async def test_what_changes_right_after_a_subscription_was_acknowledged_is_heard(
    fleet: Fleet, http: httpx2.AsyncClient, two: str
) -> None:
    """By a worker that nobody has listened at before."""
    await anyio.to_thread.run_sync(fleet.restart, 0)
    async with subscription(http, fleet.urls[0], "bench://0") as stream:
        await Peer(http).call(two, "change")
        await updates(stream, {"bench://0"})


async def test_a_second_stream_of_a_session_ends_the_first_at_the_other(peer: Peer, one: str, two: str) -> None:
    async with peer.listening(one) as first, peer.listening(two) as second:
        with pytest.raises(EOFError):
            await first.message()
        await peer.call(one, "change_tools")
        assert (await second.message())["method"] == "notifications/tools/list_changed"


async def test_the_stream_at_one_ends_when_the_session_is_ended_at_the_other(
    http: httpx2.AsyncClient, peer: Peer, one: str, two: str
) -> None:
    async with peer.listening(one) as stream:
        await http.delete(two, headers=peer.headers)
        with pytest.raises(EOFError):
            await stream.message()


async def test_nothing_is_said_while_nothing_happens(fleet: Fleet, peer: Peer, one: str) -> None:
    """redis-py 8 breaks off a read after five seconds of silence, which must not look like a failure to anybody."""
    messages: list[dict[str, Any]] = []
    told = anyio.Event()

    async def listen(*, task_status: anyio.abc.TaskStatus[None]) -> None:
        async with peer.listening(one) as stream:
            task_status.started()
            messages.append(await stream.message())
            told.set()

    async with anyio.create_task_group() as group:
        await group.start(listen)
        await anyio.sleep(6)
        assert messages == []
        await peer.call(one, "change_tools")
        with anyio.fail_after(5):
            await told.wait()
    assert all("The channel layer" not in worker.output() for worker in fleet.workers)
