"""Streams that outlive a connection: what a client missed, it gets when it comes back (2025-11-25, Resumability)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.management import call_command
from django.db import DatabaseError
from django.utils import timezone
from pydantic import BaseModel

from mcp_django import Context, MCPServer
from mcp_django.models import Session, StreamEvent
from mcp_django.sessions import log as logs
from mcp_django.sessions.hub import get_hub
from mcp_django.transports import resumable, watch
from tests.sessions.peer import Peer, accept, asked, begun, heard, leave, listening, until
from tests.sessions.roads import over_http, over_stdio
from tests.sessions.switch import sessions_on
from tests.wire import Call, Response

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]

SECONDS = 10


@pytest.fixture(autouse=True)
def _sessions(settings: Any) -> Iterator[None]:
    with sessions_on(settings, EVENT_LOG=True):
        yield


class Name(BaseModel):
    name: str


class Work:
    """What the tools of the tests do, step by step, as the test lets them."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.endings: list[str] = []
        self.ended = asyncio.Event()

    def end(self, how: str) -> None:
        self.endings.append(how)
        self.ended.set()

    async def has_ended(self) -> str:
        async with asyncio.timeout(SECONDS):
            await self.ended.wait()
        return self.endings[-1]

    # Tools

    async def count(self, to: int, ctx: Context) -> str:
        """Say one number, wait until the client has been lost or whatever, and say the others."""
        try:
            await ctx.info("1")
            await self.go_on.wait()
            for number in range(2, to + 1):
                await ctx.info(str(number))
        except asyncio.CancelledError:
            self.end("cancelled" if ctx.cancelled else "ended, but not cancelled")
            raise
        self.end("done")
        return "counted"

    async def greet(self, ctx: Context) -> str:
        """Ask a client that is away."""
        await ctx.info("1")
        await self.go_on.wait()
        answer = await ctx.elicit("Who are you?", Name)
        self.end("done")
        return f"Hello, {answer.data.name}!"

    async def poll(self, ctx: Context, word_first: bool = False) -> str:
        """Let the client hang up."""
        if word_first:
            await ctx.info("1")
        await ctx.close_sse_stream(retry_seconds=0.25)
        await ctx.close_sse_stream(retry_seconds=7)
        await self.go_on.wait()
        await ctx.info("2")
        return "polled"

    def poll_in_a_thread(self, ctx: Context) -> str:
        """The same from sync code."""
        ctx.close_sse_stream_sync(0.5)
        return "polled"

    async def silent(self, ctx: Context) -> str:
        """Say nothing, and wait."""
        try:
            self.go_on.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.end("cancelled")
            raise
        return ""


@pytest.fixture
async def work(server: MCPServer) -> Work:
    work = Work()
    for tool in (work.count, work.greet, work.poll, work.poll_in_a_thread, work.silent):
        server.tool(tool)
    return work


@pytest.fixture
async def peer(application: Any) -> Peer:
    return await Peer.open(application)


async def lost(peer: Peer, tool: str = "count", **arguments: Any) -> tuple[Call, str]:
    """Call a tool, lose the connection after its first word, and return the call and its last event's id."""
    call = peer.start(tool, arguments or {"to": 3} if tool == "count" else arguments)
    await heard(call, "notifications/message")
    await leave(call)
    return call, call.response.event_ids[-1]


def back(peer: Peer, event_id: str) -> Call:
    """Come back for the rest."""
    headers = {**peer.headers, "accept": "text/event-stream", "last-event-id": event_id}
    return Call(peer.application, method="GET", headers=headers)


def words(response: Response) -> list[Any]:
    """What the tool said, and its answer."""
    return [
        event["params"].get("data") if "method" in event else event.get("result", event.get("error"))
        for event in response.events
    ]


def text(result: Any) -> Any:
    return result["content"][0]["text"]


# How a stream begins


async def test_a_stream_begins_with_an_id_and_the_time_to_come_back_after(peer: Peer, work: Work) -> None:
    work.go_on.set()
    response = await peer.start("count", {"to": 1}).finished()
    first, second, third = response.body.decode().split("\r\n\r\n")[:3]
    assert first.split("\r\n") == ["retry: 1000", f"id: {response.event_ids[0]}", "data: "]
    assert second.startswith("event: message\r\nid: ")
    assert third.startswith("event: message\r\nid: ")
    assert len(set(response.event_ids)) == 3


@pytest.mark.parametrize("version", ["2025-03-26", "2025-06-18"])
async def test_clients_of_earlier_revisions_get_ids_but_no_empty_event(
    application: Any, work: Work, version: str
) -> None:
    peer = await Peer.open(application, version=version)
    call, event_id = await lost(peer)
    assert call.response.body.startswith(b"event: message\r\nid: ")
    work.go_on.set()
    response = await back(peer, event_id).finished()
    assert (words(response)[:-1], text(words(response)[-1])) == (["2", "3"], "counted")


async def test_an_answer_that_is_no_stream_is_not_kept(peer: Peer) -> None:
    assert (await peer.post(peer.request("tools/list"))).headers["content-type"] == "application/json"
    assert not await StreamEvent.objects.aexists()


async def test_nothing_is_kept_unless_the_settings_say_so(
    application: Any, work: Work, limited: Callable[..., None]
) -> None:
    limited(EVENT_LOG=False)
    peer = await Peer.open(application)
    work.go_on.set()
    response = await peer.start("count", {"to": 2}).finished()
    assert (response.event_ids, await StreamEvent.objects.acount()) == ([], 0)


async def test_a_call_goes_on_without_ids_when_nothing_can_be_kept(
    peer: Peer, work: Work, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: Any) -> None:
        raise DatabaseError("the disk is full")

    monkeypatch.setattr(logs, "_add", fail)
    work.go_on.set()
    response = await peer.start("count", {"to": 2}).finished()
    assert (words(response)[:-1], text(words(response)[-1])) == (["1", "2"], "counted")
    assert len(response.event_ids) == 1
    assert "could not be kept (the disk is full)" in caplog.text


# A connection that is lost


async def test_a_client_gets_what_it_missed_when_it_comes_back(peer: Peer, work: Work) -> None:
    call, event_id = await lost(peer)
    work.go_on.set()
    assert await work.has_ended() == "done"
    response = await back(peer, event_id).finished()
    assert response.headers["content-type"] == "text/event-stream"
    assert words(response)[:-1] == ["2", "3"]
    assert (response.events[-1]["id"], text(words(response)[-1])) == (1, "counted")
    assert words(call.response) == ["1"]


async def test_a_client_that_comes_back_early_hears_the_rest_as_it_is_said(peer: Peer, work: Work) -> None:
    _, event_id = await lost(peer)
    again = back(peer, event_id)
    await begun(again)
    work.go_on.set()
    response = await again.finished()
    assert words(response)[:-1] == ["2", "3"]
    assert response.event_ids == [f"{event_id.partition('.')[0]}.{number}" for number in (2, 3, 4)]


async def test_a_client_may_lose_the_connection_again_and_ask_twice(peer: Peer, work: Work) -> None:
    _, event_id = await lost(peer)
    again = back(peer, event_id)
    await begun(again)
    await leave(again)
    work.go_on.set()
    third = await back(peer, event_id).finished()
    assert words(third)[:-1] == ["2", "3"]
    assert words(await back(peer, third.event_ids[0]).finished())[:-1] == ["3"]


async def test_many_words_are_replayed_in_their_order(peer: Peer, work: Work) -> None:
    _, event_id = await lost(peer, "count", to=250)
    work.go_on.set()
    await work.has_ended()
    response = await back(peer, event_id).finished()
    assert words(response)[:-1] == [str(number) for number in range(2, 251)]


async def test_a_question_waits_for_the_client_to_come_back(peer: Peer, work: Work) -> None:
    _, event_id = await lost(peer, "greet")
    work.go_on.set()
    again = back(peer, event_id)
    await peer.answer(await asked(again), accept(name="Ada"))
    response = await again.finished()
    assert text(words(response)[-1]) == "Hello, Ada!"


async def test_an_answer_that_is_just_being_kept_is_not_lost(
    peer: Peer, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeping, go_on, on_own_thread = asyncio.Event(), asyncio.Event(), logs.on_own_thread

    async def wait_for_a_thread(fn: Any, *args: Any) -> Any:
        if fn is logs._add and args[-1]:
            keeping.set()
            await go_on.wait()
        return await on_own_thread(fn, *args)

    monkeypatch.setattr(logs, "on_own_thread", wait_for_a_thread)
    work.go_on.set()
    call = peer.start("count", {"to": 1})
    await heard(call, "notifications/message")
    async with asyncio.timeout(SECONDS):
        await keeping.wait()
    await leave(call)
    go_on.set()
    response = await back(peer, call.response.event_ids[-1]).finished()
    assert text(words(response)[-1]) == "counted"


async def test_a_call_that_had_not_begun_to_speak_is_cancelled(peer: Peer, work: Work) -> None:
    """Its client knows no id to come back with."""
    call = peer.start("silent")
    await work.go_on.wait()
    await leave(call)
    assert await work.has_ended() == "cancelled"


async def test_the_official_client_hears_the_whole_of_a_call(server: MCPServer, application: Any, work: Work) -> None:
    work.go_on.set()
    said: list[str] = []

    async def note(params: Any) -> None:
        said.append(params.data)

    async with over_http(application, mode="legacy", logging_callback=note) as client:
        result = await client.call_tool("count", {"to": 3})
    assert (result.content[0].text, said) == ("counted", ["1", "2", "3"])  # type: ignore[union-attr]


async def test_a_connection_that_only_seems_open_ends_when_the_client_reads_on_elsewhere(
    peer: Peer, work: Work
) -> None:
    call = peer.start("count", {"to": 2})
    await heard(call, "notifications/message")
    again = back(peer, call.response.event_ids[-1])
    await begun(again)
    work.go_on.set()
    response = await again.finished()
    assert words(response)[0] == "2"
    assert words(await call.finished()) == ["1"]


class JammedCall(Call):
    """A call whose connection takes nothing any more once it is jammed."""

    jammed: asyncio.Event | None = None

    async def _send(self, event: dict[str, Any]) -> None:
        if self.jammed is not None:
            self.jammed.set()
            await asyncio.Event().wait()
        await super()._send(event)


async def test_a_connection_that_takes_nothing_any_more_holds_nobody_up(peer: Peer, work: Work) -> None:
    message = peer.request("tools/call", {"name": "count", "arguments": {"to": 3}})
    call = JammedCall(peer.application, json.dumps(message).encode(), headers=peer.headers)
    await heard(call, "notifications/message")
    call.jammed = asyncio.Event()
    work.go_on.set()
    async with asyncio.timeout(SECONDS):
        await call.jammed.wait()
    response = await back(peer, call.response.event_ids[-1]).finished()
    assert words(response)[:-1] == ["2", "3"]
    call.task.cancel()


# Hanging up on purpose


@pytest.mark.parametrize("word_first", [False, True])
async def test_a_tool_lets_the_client_hang_up(peer: Peer, work: Work, word_first: bool) -> None:
    response = await peer.start("poll", {"word_first": word_first}).finished()
    assert b"retry: 250\r\n" in response.body
    assert words(response) == (["1"] if word_first else [])
    work.go_on.set()
    rest = await back(peer, response.event_ids[-1]).finished()
    assert (words(rest)[0], text(words(rest)[-1])) == ("2", "polled")


async def test_sync_code_lets_the_client_hang_up(peer: Peer, work: Work) -> None:
    response = await peer.start("poll_in_a_thread").finished()
    assert b"retry: 500\r\n" in response.body
    rest = await back(peer, response.event_ids[-1]).finished()
    assert text(words(rest)[-1]) == "polled"


async def test_a_client_that_can_not_come_back_stays(application: Any, work: Work) -> None:
    work.go_on.set()
    peer = await Peer.open(application, version="2025-06-18")
    assert text(words(await peer.start("poll").finished())[-1]) == "polled"


@pytest.mark.parametrize("road", ["2026-07-28", "stdio"])
async def test_where_nobody_can_come_back_hanging_up_does_nothing(
    server: MCPServer, application: Any, work: Work, road: str
) -> None:
    work.go_on.set()
    async with over_stdio(server) if road == "stdio" else over_http(application, mode=road) as client:
        result = await client.call_tool("poll", {})
    assert result.content[0].text == "polled"  # type: ignore[union-attr]


# How a call ends while its client is away


async def test_a_client_that_stays_away_has_its_call_ended(
    peer: Peer, work: Work, limited: Callable[..., None]
) -> None:
    limited(EVENT_LOG_SECONDS=0.05)
    await lost(peer)
    assert await work.has_ended() == "cancelled"


async def test_a_client_that_reads_on_may_take_longer(peer: Peer, work: Work, limited: Callable[..., None]) -> None:
    limited(EVENT_LOG_SECONDS=1.2)
    _, event_id = await lost(peer)
    again = back(peer, event_id)
    await begun(again)
    await asyncio.sleep(2)  # a second after each look, the call hears that somebody reads
    work.go_on.set()
    assert text(words(await again.finished())[-1]) == "counted"


async def test_a_client_cancels_a_call_that_it_has_lost(peer: Peer, work: Work) -> None:
    await lost(peer)
    await peer.tell("notifications/cancelled", {"requestId": 1})
    assert await work.has_ended() == "cancelled"


async def test_a_call_whose_session_ends_while_the_client_is_away_ends(peer: Peer, work: Work) -> None:
    await lost(peer)
    await peer.end()
    assert await work.has_ended() == "cancelled"


async def test_a_call_whose_client_is_away_does_not_keep_a_server_from_stopping(peer: Peer, work: Work) -> None:
    await lost(peer)
    watch.stop_watched()
    assert await work.has_ended() == "cancelled"


async def test_a_lost_call_counts_among_those_of_its_session(
    peer: Peer, work: Work, limited: Callable[..., None]
) -> None:
    limited(MAX_CALLS_PER_SESSION=1)
    _, event_id = await lost(peer)
    assert (await peer.start("poll").finished()).status == 429
    work.go_on.set()
    await back(peer, event_id).finished()
    assert (await peer.start("poll_in_a_thread").finished()).status == 200


async def test_a_call_whose_worker_was_killed_is_an_error_in_the_end(
    peer: Peer, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resumable, "LOST_SECONDS", 0.2)
    monkeypatch.setattr(resumable, "LOOK_SECONDS", 0.1)
    _, event_id = await lost(peer)
    logs._open(get_hub()).clear()  # nobody answers for it any more
    response = await back(peer, event_id).finished()
    (error,) = words(response)
    assert (response.events[-1]["id"], error["message"]) == (1, "The call was lost: call again.")
    work.go_on.set()
    await work.has_ended()


# Who may read, and what


@pytest.mark.parametrize("event_id", ["x", "x.1", ".", "1", "é.1", "x" * 100 + ".1", "{stream}.", "{stream}.-1"])
async def test_an_id_that_was_never_given_is_refused(peer: Peer, work: Work, event_id: str) -> None:
    _, known = await lost(peer)
    response = await back(peer, event_id.format(stream=known.partition(".")[0])).finished()
    assert (response.status, response.json["error"]["code"]) == (400, -32602)
    work.go_on.set()
    await work.has_ended()


async def test_nobody_reads_what_another_session_was_told(application: Any, peer: Peer, work: Work) -> None:
    _, event_id = await lost(peer)
    work.go_on.set()
    await work.has_ended()
    response = await back(await Peer.open(application), event_id).finished()
    assert (response.status, response.json["error"]["code"]) == (400, -32602)
    assert "counted" not in response.body.decode()


async def test_reading_on_counts_as_a_stream(peer: Peer, work: Work, limited: Callable[..., None]) -> None:
    _, event_id = await lost(peer)
    limited(MAX_STREAMS=1)
    stream = await peer.stream()
    assert (await back(peer, event_id).finished()).status == 503
    await leave(stream)
    work.go_on.set()
    await back(peer, event_id).finished()
    assert len(get_hub().listeners) == 0


# The session's own stream


async def test_a_client_that_comes_back_to_its_stream_is_told_that_all_may_have_changed(
    server: MCPServer, peer: Peer
) -> None:
    await peer.ask("resources/subscribe", {"uri": "polls://5"})
    stream = await peer.stream()
    (event_id,) = stream.response.event_ids
    assert stream.response.body.startswith(b"retry: 1000\r\nid: ")
    await leave(stream)
    again = back(peer, event_id)
    told = await heard(again, times=4)
    assert {event["method"].removeprefix("notifications/") for event in told} == {
        "tools/list_changed",
        "prompts/list_changed",
        "resources/list_changed",
        "resources/updated",
    }
    await leave(again)


async def test_a_stream_of_2026_07_28_has_no_ids(application: Any) -> None:
    stream = listening(application, {"toolsListChanged": True})
    await heard(stream, "notifications/subscriptions/acknowledged")
    assert stream.response.event_ids == []
    await leave(stream)


# What is kept, and for how long


async def test_the_oldest_events_of_a_session_go(peer: Peer, work: Work, limited: Callable[..., None]) -> None:
    limited(EVENT_LOG_MAX_EVENTS=10)
    _, event_id = await lost(peer, "count", to=400)
    work.go_on.set()
    await work.has_ended()
    assert await StreamEvent.objects.acount() <= 10 + logs.TRIM_EVERY + 1
    response = await back(peer, event_id).finished()
    assert words(response)[-2] == "400"


async def test_events_that_are_too_old_go(peer: Peer, work: Work) -> None:
    _, event_id = await lost(peer)
    work.go_on.set()
    await back(peer, event_id).finished()
    await StreamEvent.objects.aupdate(created=timezone.now() - timedelta(seconds=301))
    await peer.start("poll_in_a_thread").finished()
    stream = event_id.partition(".")[0]
    assert [event.number async for event in StreamEvent.objects.filter(stream=stream)] == [0]


async def test_the_clean_up_command_deletes_old_events_as_well(peer: Peer, work: Work) -> None:
    _, event_id = await lost(peer)
    work.go_on.set()
    await back(peer, event_id).finished()
    await StreamEvent.objects.aupdate(created=timezone.now() - timedelta(seconds=301))
    await sync_to_async(call_command)("clearmcpsessions", verbosity=0)
    assert [event.number async for event in StreamEvent.objects.all()] == [0]
    assert await Session.objects.acount() == 1


async def test_events_go_with_their_session(peer: Peer, work: Work) -> None:
    await lost(peer)
    work.go_on.set()
    await work.has_ended()
    await peer.end()
    assert not await StreamEvent.objects.aexists()


async def test_an_event_is_named_by_its_id(peer: Peer, work: Work) -> None:
    _, event_id = await lost(peer)
    assert event_id in [str(event) async for event in StreamEvent.objects.all()]
    work.go_on.set()
    await work.has_ended()


async def test_when_all_is_over_nothing_is_left_in_memory(peer: Peer, work: Work) -> None:
    _, event_id = await lost(peer)
    again = back(peer, event_id)
    work.go_on.set()
    await until(again, lambda: len(again.response.events) == 3)
    await again.finished()
    async with asyncio.timeout(5):  # the call's own task may end after its answer has been read
        while (logs._open(get_hub()), logs._readers(get_hub())) != ({}, {}):
            await asyncio.sleep(0)
