"""HTTP+SSE: a stream, what is posted to it by way of the same worker or of another, and how it ends."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx2
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import OperationalError
from django.db.models.signals import post_save
from mcp import Client
from mcp.client.sse import sse_client
from mcp_types import ElicitResult
from pydantic import BaseModel

from mcp_django import Context, MCPServer
from mcp_django.asgi import by_path
from mcp_django.auth import ANONYMOUS, Principal
from mcp_django.models import PostedMessage, Question, Session
from mcp_django.routing import get_http_applications
from mcp_django.sessions import inboxes
from mcp_django.sessions.connection import Connection
from mcp_django.sessions.hub import get_hub
from mcp_django.sessions.store import end_sessions, open_session
from mcp_django.transports import session as session_streams
from mcp_django.transports import watch
from mcp_django.transports.watch import stop_watched
from tests.sessions.layers import SharedLayer
from tests.sessions.peer import Peer, accept
from tests.sessions.roads import ASGIRoad
from tests.sessions.sse_peer import PATH, SSEPeer, get
from tests.sessions.switch import sessions_on
from tests.sessions.workers import Worker, two_workers
from tests.wire import MODERN, Response, modern_request, post, request

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]

TOOLS = "notifications/tools/list_changed"
UPDATED = "notifications/resources/updated"
ASKED = "elicitation/create"
LOGGED = "notifications/message"


@pytest.fixture(autouse=True)
def _sse(settings: Any) -> Iterator[None]:
    with sessions_on(settings, SSE=True):
        yield


@pytest.fixture
def limited(settings: Any) -> Callable[..., None]:
    """Change settings: ``limited(MAX_STREAMS=2)``."""

    def limited(**keys: Any) -> None:
        settings.MCP_DJANGO = {**settings.MCP_DJANGO, **keys}

    return limited


class Confirmation(BaseModel):
    word: str


@pytest.fixture
def go_on() -> asyncio.Event:
    """What the tool ``wait`` waits for."""
    return asyncio.Event()


@pytest.fixture
def ended() -> list[str]:
    """How calls of the tool ``wait`` have ended."""
    return []


@pytest.fixture(autouse=True)
def _tools(server: MCPServer, go_on: asyncio.Event, ended: list[str]) -> None:
    @server.tool
    async def wait(ctx: Context) -> str:
        await ctx.info("waiting")
        try:
            await go_on.wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return "gone on"

    @server.tool
    async def confirm(ctx: Context) -> str:
        answer = await ctx.elicit("Sure?", Confirmation)
        return str(answer.data.word) if answer.action == "accept" else str(answer.action)

    @server.tool
    async def about(ctx: Context) -> str:
        await ctx.report_progress(1, 2, "looking")
        return f"{ctx.transport} {ctx.protocol_version} {(ctx.client_info or {}).get('name')} {ctx.headers['host']}"


@pytest.fixture
def application(server: MCPServer, no_demo: None) -> Any:
    """All endpoints, as ``get_mcp_application()`` routes them."""

    async def other(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b"Not Found"})

    return by_path(get_http_applications(), other)


@pytest.fixture
async def layer() -> SharedLayer:
    return SharedLayer()


@pytest.fixture
async def workers(
    application: Any, layer: SharedLayer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Worker, Worker]]:
    """Two workers; no stream looks for what was posted unless it is told to."""
    monkeypatch.setattr(inboxes, "LOOK_SECONDS", 3600)
    async with two_workers(application, layer, monkeypatch) as workers:
        yield workers


@pytest.fixture
async def peer(application: Any) -> AsyncIterator[SSEPeer]:
    """A client that has shaken hands."""
    peer = await SSEPeer.greeted(application)
    yield peer
    await peer.leave()


@pytest.fixture(params=["here", "by way of another worker"])
async def pair(
    request: pytest.FixtureRequest, application: Any, layer: SharedLayer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SSEPeer]:
    """A client that has shaken hands, whose messages all go to the process of its stream, or all to another."""
    if request.param == "here":
        peer = await SSEPeer.greeted(application)
        yield peer
        await peer.leave()
        return
    monkeypatch.setattr(inboxes, "LOOK_SECONDS", 3600)
    async with two_workers(application, layer, monkeypatch) as (one, two):
        peer = await SSEPeer.open(one)
        peer.application = two
        await peer.shake_hands()
        yield peer
        await peer.leave()


def refusal_in(response: Response) -> tuple[int, int, Any]:
    """Return HTTP status, JSON-RPC code and id."""
    return response.status, response.json["error"]["code"], response.json["id"]


# The official client


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize("others", [0, 1])
async def test_the_official_client_is_served(
    application: Any, layer: SharedLayer, monkeypatch: pytest.MonkeyPatch, mode: str, others: int
) -> None:
    """By one worker, and by two in turn. It tries 2026-07-28 first, unless told otherwise."""
    progress: list[Any] = []

    async def note(*args: Any) -> None:
        progress.append(args)

    async def answer(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action="accept", content={"word": params.message})

    async with two_workers(application, layer, monkeypatch) as workers:
        road = ASGIRoad(*workers[: 1 + others])
        way = sse_client(f"http://testserver{PATH}", httpx_client_factory=factory_of(road))
        async with asyncio.timeout(20), Client(way, mode=mode, elicitation_callback=answer) as client:
            assert client.protocol_version == "2025-11-25"
            assert {"confirm", "about"} <= {tool.name for tool in (await client.list_tools()).tools}
            for _ in range(3):
                assert (await client.call_tool("confirm")).structured_content == {"result": "Sure?"}
            about = await client.call_tool("about", progress_callback=note)
            assert about.structured_content == {"result": "sse 2025-11-25 mcp testserver"}
        for call in road.calls:
            call.disconnect()
        for call in road.calls:
            await call.finished()
    assert progress == [(1, 2, "looking")]
    assert {call.response.status for call in road.calls if call.scope["method"] == "POST"} == {202}
    assert (await Session.objects.acount(), await PostedMessage.objects.acount()) == (0, 0)


def factory_of(road: ASGIRoad) -> Any:
    def factory(**options: Any) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=road, **{key: each for key, each in options.items() if each is not None})

    return factory


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
async def test_every_revision_with_a_handshake_is_served(application: Any, version: str) -> None:
    peer = await SSEPeer.open(application)
    assert (await peer.shake_hands(version=version))["protocolVersion"] == version
    assert await peer.call("about") == f"sse {version} peer testserver"
    row = await Session.objects.aget()
    assert (row.protocol_version, row.client_info["name"], row.transport) == (version, "peer", "sse")
    await peer.leave()


# The stream


async def test_the_stream_begins_with_the_address_to_post_to(application: Any) -> None:
    peer = await SSEPeer.open(application)
    assert peer.stream.response.headers["content-type"] == "text/event-stream"
    session = await Session.objects.aget()
    assert peer.address == f"/mcp/fixture/messages?session_id={session.pk}"
    assert (session.protocol_version, session.server) == ("", "fixture")
    await peer.leave()


@pytest.mark.parametrize(
    ("path", "root", "address"),
    [
        ("/mcp/sse", "", "/mcp/messages"),
        ("/mcp/sse/", "", "/mcp/messages"),
        ("/a b/mcp/fixture/sse", "/a b", "/a%20b/mcp/fixture/messages"),
        ("//mcp/fixture/sse", "/", "/mcp/fixture/messages"),
    ],
)
async def test_the_address_lies_beside_the_stream_and_on_no_other_host(
    application: Any, path: str, root: str, address: str
) -> None:
    async def mounted(scope: Any, receive: Any, send: Any) -> None:
        await application({**scope, "root_path": root}, receive, send)

    peer = await SSEPeer.open(mounted, path)
    assert peer.address.partition("?")[0] == address
    await peer.leave()


async def test_each_stream_is_a_session_of_its_own(application: Any) -> None:
    first, second = [await SSEPeer.greeted(application) for _ in range(2)]
    assert first.session != second.session
    await first.leave()
    assert await second.ask("ping") == {}
    await second.leave()


async def test_the_stream_shows_signs_of_life(application: Any, limited: Callable[..., None]) -> None:
    limited(KEEP_ALIVE_SECONDS=0.05)
    peer = await SSEPeer.open(application)
    async with asyncio.timeout(10):
        while peer.stream.response.body.count(b": keep-alive") < 2:
            await peer.stream.sent.get()
    await peer.leave()


async def test_the_stream_tells_of_lists_and_of_what_was_subscribed_to(server: MCPServer, pair: SSEPeer) -> None:
    await pair.ask("resources/subscribe", {"uri": "polls://5"})
    server.notify_resource_updated("polls://6")
    server.notify_resource_updated("polls://5")
    assert (await pair.hear(UPDATED))["params"] == {"uri": "polls://5"}
    server.notify_tools_changed()
    await pair.hear(TOOLS)
    await pair.ask("resources/unsubscribe", {"uri": "polls://5"})
    server.notify_resource_updated("polls://5")
    server.notify_prompts_changed()
    await pair.hear("notifications/prompts/list_changed")
    assert len(pair.heard(UPDATED)) == 1


async def test_no_news_are_told_before_the_handshake(server: MCPServer, application: Any) -> None:
    peer = await SSEPeer.open(application)
    server.notify_tools_changed()
    assert await peer.ask("ping") == {}
    await until(lambda: get_hub().listeners.of_session(peer.session)._pending == {})  # type: ignore[union-attr]
    await peer.shake_hands()
    server.notify_prompts_changed()
    await peer.hear("notifications/prompts/list_changed")
    assert peer.heard(TOOLS) == []
    await peer.leave()


# What is posted


async def test_an_answer_comes_over_the_stream(pair: SSEPeer) -> None:
    assert await pair.ask("ping") == {}
    assert await pair.call("about") == "sse 2024-11-05 peer testserver"
    assert await PostedMessage.objects.acount() == 0


async def test_what_is_posted_in_turn_is_taken_in_that_order(pair: SSEPeer, server: MCPServer) -> None:
    taken: list[int] = []

    @server.tool
    async def note(number: int) -> str:
        taken.append(number)
        return "noted"

    ids = [await pair.start("tools/call", {"name": "note", "arguments": {"number": each}}) for each in range(20)]
    for each in ids:
        await pair.response_to(each)
    assert taken == list(range(20))


async def test_progress_comes_before_the_result(pair: SSEPeer) -> None:
    call = await pair.start("tools/call", {"name": "about", "arguments": {}}, progressToken="p")
    await pair.response_to(call)
    assert [each.get("method", each.get("id")) for each in pair.messages[-2:]] == ["notifications/progress", call]


async def test_the_log_level_of_a_session_is_kept(pair: SSEPeer) -> None:
    await pair.ask("logging/setLevel", {"level": "error"})
    await pair.start("tools/call", {"name": "wait", "arguments": {}})
    await pair.ask("ping")
    assert pair.heard(LOGGED) == []


async def test_a_client_is_asked_and_its_answer_finds_the_call(pair: SSEPeer) -> None:
    call = await pair.start("tools/call", {"name": "confirm", "arguments": {}})
    question = await pair.hear(ASKED)
    answer = {"jsonrpc": "2.0", "id": question["id"], "result": accept(word="a\0b é")}
    assert (await pair.post(answer)).status == 202
    assert (await pair.response_to(call))["result"]["content"][0]["text"] == "a\0b é"
    assert await Question.objects.acount() == 0


async def test_another_session_can_neither_answer_nor_cancel(application: Any, peer: SSEPeer) -> None:
    stranger = await SSEPeer.greeted(application)
    call = await peer.start("tools/call", {"name": "confirm", "arguments": {}})
    question = await peer.hear(ASKED)
    await stranger.post({"jsonrpc": "2.0", "id": question["id"], "result": accept(word="forged")})
    await stranger.tell("notifications/cancelled", requestId=call)
    assert await stranger.ask("ping") == {}
    await peer.post({"jsonrpc": "2.0", "id": question["id"], "result": accept(word="mine")})
    assert (await peer.response_to(call))["result"]["content"][0]["text"] == "mine"
    await stranger.leave()


@pytest.mark.parametrize("request_id", [7, "seven", "7", 0, ""])
async def test_a_call_is_cancelled_by_its_id(pair: SSEPeer, ended: list[str], request_id: int | str) -> None:
    await pair.begin("wait", id=request_id)
    await pair.tell("notifications/cancelled", requestId=request_id)
    await pair.tell("notifications/cancelled", requestId="another")
    await pair.ask("ping")
    await until(lambda: ended == ["cancelled"])
    assert [each for each in pair.messages if each.get("id") == request_id] == []


async def test_a_call_is_cancelled_before_it_has_begun(application: Any, peer: SSEPeer, ended: list[str]) -> None:
    """Both messages are there when the stream looks."""
    inbox = inboxes.get_inboxes().of_session(peer.session)
    assert inbox is not None
    inbox.put(json.dumps(request("tools/call", {"name": "wait", "arguments": {}}, id=7)))
    inbox.put(json.dumps({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}))
    assert await peer.ask("ping") == {}
    again = await peer.begin("wait", id=7)
    await peer.tell("notifications/cancelled", requestId=again)
    await until(lambda: ended == ["cancelled"])


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)


# The handshake


async def test_nothing_but_a_ping_is_answered_before_the_handshake(application: Any) -> None:
    peer = await SSEPeer.open(application)
    assert await peer.ask("ping") == {}
    refused = await peer.response_to(await peer.start("tools/list"))
    assert refused["error"] == {"code": -32602, "message": "Send initialize first."}
    await peer.tell("notifications/initialized")
    await peer.shake_hands()
    assert "tools" in await peer.ask("tools/list")
    await peer.leave()


async def test_a_handshake_that_fails_is_none(application: Any) -> None:
    peer = await SSEPeer.open(application)
    assert (await peer.response_to(await peer.start("initialize")))["error"]["code"] == -32602
    assert (await peer.response_to(await peer.start("tools/list")))["error"]["message"] == "Send initialize first."
    await peer.leave()


async def test_a_client_may_shake_hands_again(peer: SSEPeer) -> None:
    assert (await peer.shake_hands(version="2025-06-18"))["protocolVersion"] == "2025-06-18"
    assert await peer.call("about") == "sse 2025-06-18 peer testserver"
    assert await Session.objects.acount() == 1


async def test_a_request_of_2026_is_told_which_revisions_there_are(peer: SSEPeer) -> None:
    message, _ = modern_request("tools/list", id=7)
    assert (await peer.post(message)).status == 202
    error = (await peer.response_to(7))["error"]
    assert (error["code"], error["data"]["requested"]) == (-32022, MODERN)
    assert error["data"]["supported"] == ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]


# The end


async def test_a_client_that_leaves_cancels_its_calls_and_ends_its_session(
    application: Any, peer: SSEPeer, ended: list[str]
) -> None:
    await peer.begin("wait")
    await peer.start("tools/call", {"name": "confirm", "arguments": {}})
    await peer.hear(ASKED)
    await peer.leave()
    assert ended == ["cancelled"]
    assert (await Session.objects.acount(), await Question.objects.acount()) == (0, 0)
    assert (len(get_hub().listeners), inboxes.get_inboxes().of_session(peer.session)) == (0, None)
    assert refusal_in(await peer.post(request("ping"))) == (404, -32600, None)


async def test_a_session_that_somebody_ends_closes_its_stream(peer: SSEPeer, ended: list[str]) -> None:
    await peer.begin("wait")
    await sync_to_async(end_sessions)([peer.session])
    await peer.ended()
    assert ended == ["cancelled"]
    assert (await peer.post(request("ping"))).status == 404


async def test_a_session_that_is_ended_through_another_worker_closes_its_stream(workers: tuple[Worker, Worker]) -> None:
    one, two = workers
    peer = await SSEPeer.greeted(one)
    two.hub.publish(("ended", peer.session))
    await peer.ended()
    assert (await peer.post(request("ping"), two)).status == 404


async def test_the_stream_looks_now_and_then_whether_its_session_is_still_there(
    application: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For whoever ends a session may not get the word through."""
    monkeypatch.setattr(session_streams, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr("mcp_django.sessions.store.FRESH_SECONDS", -1)
    peer = await SSEPeer.greeted(application)
    await Session.objects.all().adelete()
    await peer.ended()


async def test_the_stream_ends_after_a_while(application: Any, limited: Callable[..., None], ended: list[str]) -> None:
    limited(STREAM_SECONDS=0.5)
    peer = await SSEPeer.greeted(application)
    await peer.begin("wait")
    await peer.ended()
    assert (ended, await Session.objects.acount()) == (["cancelled"], 0)


async def test_the_stream_ends_when_the_server_stops(peer: SSEPeer, ended: list[str]) -> None:
    await peer.begin("wait")
    await until(lambda: watch._watched)
    stop_watched()
    await peer.ended()
    assert (ended, await Session.objects.acount()) == (["cancelled"], 0)


async def test_a_task_that_is_cancelled_ends_its_session(application: Any, ended: list[str]) -> None:
    """As daphne does it on SIGTERM."""
    peer = await SSEPeer.greeted(application)
    await peer.begin("wait")
    peer.stream.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await peer.stream.task
    assert (ended, await Session.objects.acount()) == (["cancelled"], 0)


# By way of another worker


async def test_a_message_lies_in_the_database_until_its_stream_has_it(
    workers: tuple[Worker, Worker], layer: SharedLayer
) -> None:
    written: list[PostedMessage] = []

    def note(instance: PostedMessage, **kwargs: Any) -> None:
        written.append(instance)

    one, two = workers
    peer = await SSEPeer.greeted(one)
    post_save.connect(note, sender=PostedMessage)
    await peer.ask("ping", application=one)
    assert await peer.ask("ping", application=two) == {}
    post_save.disconnect(note, sender=PostedMessage)
    assert [(row.session_id, json.loads(row.body)["method"]) for row in written] == [(peer.session, "ping")]
    assert await PostedMessage.objects.acount() == 0
    assert layer.items == [["nudge", "posted", peer.session]]
    await peer.leave()


async def test_a_message_is_found_when_nobody_tells_of_it(
    workers: tuple[Worker, Worker], layer: SharedLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inboxes, "LOOK_SECONDS", 0.05)
    one, two = workers
    peer = await SSEPeer.greeted(one)
    layer.lose = 1000
    assert await peer.ask("ping", application=two) == {}
    await peer.leave()


async def test_a_stream_looks_when_messages_of_the_layer_were_lost(
    workers: tuple[Worker, Worker], layer: SharedLayer
) -> None:
    one, two = workers
    peer = await SSEPeer.greeted(one)
    await peer.ask("ping", application=two)
    layer.lose = 1
    call = await peer.start("ping", application=two)
    await until(lambda: not layer.lose)
    two.hub.publish(("session", "of somebody else"))
    assert (await peer.response_to(call))["result"] == {}
    await peer.leave()


async def test_what_was_posted_elsewhere_before_comes_before_what_is_posted_here(
    workers: tuple[Worker, Worker], layer: SharedLayer, ended: list[str]
) -> None:
    """A cancellation overtakes no call, be the nudge ever so slow."""
    one, two = workers
    peer = await SSEPeer.greeted(one)
    layer.lose = 1
    call = await peer.start("tools/call", {"name": "wait", "arguments": {}}, two)
    await peer.tell("notifications/cancelled", one, requestId=call)
    assert await peer.ask("ping", application=one) == {}
    again = await peer.begin("wait", one, id=call)
    await peer.tell("notifications/cancelled", one, requestId=again)
    await until(lambda: ended)
    await peer.leave()


async def test_a_database_that_goes_away_ends_no_stream(
    workers: tuple[Worker, Worker], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: Any) -> None:
        raise OperationalError("the server closed the connection unexpectedly")

    one, two = workers
    peer = await SSEPeer.greeted(one)
    with monkeypatch.context() as patch:
        patch.setattr(inboxes, "_take", fail)
        patch.setattr("mcp_django.sessions.store._read", fail)
        patch.setattr("mcp_django.sessions.store.FRESH_SECONDS", -1)
        two.hub.publish(("session", peer.session))
        two.hub.publish(("posted", peer.session))
        await until(lambda: "could not look for messages" in caplog.text and "still there" in caplog.text)
    assert await peer.ask("ping") == {}
    await peer.leave()


async def test_without_a_layer_that_reaches_others_a_message_for_another_worker_is_refused(application: Any) -> None:
    session = await open_session("fixture", ANONYMOUS, Connection(""), transport="sse")
    response = await post(application, request("ping"), path=f"/mcp/fixture/messages?session_id={session.id}")
    assert refusal_in(response) == (404, -32600, None)
    assert await PostedMessage.objects.acount() == 0


async def test_a_message_for_a_session_that_has_just_ended_is_refused(workers: tuple[Worker, Worker]) -> None:
    _, two = workers
    session = await open_session("fixture", ANONYMOUS, Connection(""), transport="sse")
    await Session.objects.all().adelete()
    response = await post(two, request("ping"), path=f"/mcp/fixture/messages?session_id={session.id}")
    assert response.status == 404


# Limits


async def test_a_session_runs_only_so_many_calls_at_a_time(
    pair: SSEPeer, limited: Callable[..., None], go_on: asyncio.Event
) -> None:
    """The refusal comes over the stream, for many clients take a failed POST for the end of everything."""
    limited(MAX_CALLS_PER_SESSION=2)
    calls = [await pair.begin("wait") for _ in range(2)]
    refused = (await pair.response_to(await pair.start("ping")))["error"]
    assert refused["code"] == -32603
    assert refused["message"] == "2 calls of this session are under way: wait for one of them."
    go_on.set()
    for call in calls:
        await pair.response_to(call)
    assert await pair.ask("ping") == {}


async def test_an_id_that_is_taken_is_refused(peer: SSEPeer) -> None:
    await peer.begin("wait", id=7)
    await peer.start("ping", id=7)
    assert (await peer.response_to(7))["error"]["message"] == "A request of this id is under way."


async def test_only_so_many_messages_wait_here(peer: SSEPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inboxes, "MAX_WAITING", 0)
    response = await peer.post(request("ping"))
    assert (refusal_in(response), response.headers["retry-after"]) == ((429, -32603, None), "1")


async def test_only_so_many_messages_wait_in_the_database(
    workers: tuple[Worker, Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = workers
    monkeypatch.setattr(inboxes, "MAX_WAITING", 3)
    monkeypatch.setattr(inboxes, "_take", lambda session_id: [])
    peer = await SSEPeer.open(one)
    statuses = [(await peer.post(request("ping", id=each), two)).status for each in range(5)]
    assert (statuses, await PostedMessage.objects.acount()) == ([202, 202, 202, 429, 429], 3)
    other = await SSEPeer.open(one)
    assert (await other.post(request("ping"), two)).status == 202
    for each in (peer, other):
        await each.leave()
    assert await PostedMessage.objects.acount() == 0


async def test_there_are_only_so_many_streams(application: Any, limited: Callable[..., None]) -> None:
    limited(MAX_STREAMS=1)
    peer = await SSEPeer.open(application)
    refused = await get(application).finished()
    assert (refusal_in(refused), refused.headers["retry-after"]) == ((503, -32603, None), "30")
    assert await Session.objects.acount() == 1
    await peer.leave()
    await (await SSEPeer.open(application)).leave()


async def test_there_are_only_so_many_sessions(application: Any, limited: Callable[..., None]) -> None:
    limited(MAX_SESSIONS=1)
    peer = await SSEPeer.open(application)
    refused = await get(application).finished()
    assert (refusal_in(refused), refused.headers["retry-after"]) == ((503, -32603, None), "60")
    assert len(get_hub().listeners) == 1
    await peer.leave()


async def test_a_stream_is_refused_while_the_database_is_away(
    application: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: Any) -> None:
        raise OperationalError("no such table: mcp_django_session")

    caplog.set_level(logging.ERROR)
    monkeypatch.setattr("mcp_django.sessions.store._insert", fail)
    refused = await get(application).finished()
    assert refusal_in(refused) == (503, -32603, None)
    assert "no such table" not in refused.body.decode()
    assert "manage.py migrate" in caplog.text


# Bad input


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
async def test_a_stream_is_opened_by_a_get_alone(application: Any, method: str) -> None:
    """A client that speaks both transports tries a POST of ``initialize`` first."""
    stream = get(application)
    stream.scope["method"] = method
    refused = await stream.finished()
    assert (refusal_in(refused), refused.headers["allow"]) == ((405, -32600, None), "GET")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"accept": "application/json"}, 406),
        ({"host": "evil.example"}, 421),
        ({"origin": "https://evil.example"}, 403),
    ],
)
async def test_a_stream_is_refused_to_whom_it_must_not_go(
    application: Any, headers: dict[str, str], status: int
) -> None:
    refused = await get(application, **headers).finished()
    assert refusal_in(refused) == (status, -32600, None)
    assert await Session.objects.acount() == 0


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({"headers": {"host": "evil.example"}}, 421, -32600),
        ({"headers": {"origin": "https://evil.example"}}, 403, -32600),
        ({"headers": {"content-type": "text/plain"}}, 415, -32600),
        ({"headers": {"content-length": "999999999"}}, 413, -32600),
        ({"raw": b'"' + b"x" * 5_000_000 + b'"'}, 413, -32600),
        ({"raw": b"{"}, 400, -32700),
        ({"raw": b"\xff"}, 400, -32700),
        ({"raw": b"[]"}, 400, -32600),
        ({"raw": b'{"jsonrpc": "2.0", "id": 1}'}, 400, -32600),
        ({"raw": b'{"jsonrpc": "2.0", "id": 1, "result": 5}'}, 400, -32600),
    ],
)
async def test_a_bad_message_is_refused_and_the_session_goes_on(
    peer: SSEPeer, options: dict[str, Any], status: int, code: int
) -> None:
    assert refusal_in(await peer.post(**options)) == (status, code, None)
    assert await peer.ask("ping") == {}


async def test_a_message_needs_no_accept_header(peer: SSEPeer) -> None:
    """Its answer comes elsewhere."""
    assert (await peer.post(request("ping", id=7), headers={"accept": None})).status == 202
    assert (await peer.response_to(7))["result"] == {}


async def test_messages_are_posted_and_nothing_else(application: Any, peer: SSEPeer) -> None:
    refused = await get(application, peer.address).finished()
    assert (refusal_in(refused), refused.headers["allow"]) == ((405, -32600, None), "POST")


@pytest.mark.parametrize(
    "query", ["", "?", "?session_id=", "?session=x", "?session_id=a&session_id=b", "?" + "a=1&" * 99]
)
async def test_an_address_that_names_no_session_is_refused(application: Any, query: str) -> None:
    refused = await post(application, request("ping"), path=f"/mcp/fixture/messages{query}")
    assert refusal_in(refused) == (400, -32600, None)


@pytest.mark.parametrize("session_id", ["unknown", "x" * 5000, "%00", "%FF", "é".encode().decode("latin-1")])
async def test_a_session_that_nobody_opened_is_refused(application: Any, session_id: str) -> None:
    refused = await post(application, request("ping"), path=f"/mcp/fixture/messages?session_id={session_id}")
    assert refusal_in(refused) == (404, -32600, None)


async def test_a_session_belongs_to_its_server_and_transport(application: Any, peer: SSEPeer) -> None:
    elsewhere = peer.address.replace("/fixture", "")
    assert (await post(application, request("ping"), path=elsewhere)).status == 404
    headers = {"mcp-session-id": peer.session}
    assert (await post(application, request("ping"), headers=headers, path="/mcp/fixture")).status == 404


async def test_a_session_of_the_streamable_transport_can_not_be_posted_to(application: Any, server: MCPServer) -> None:
    session = await open_session("fixture", ANONYMOUS, Connection("2025-11-25"))
    response = await post(application, request("ping"), path=f"/mcp/fixture/messages?session_id={session.id}")
    assert response.status == 404


async def test_somebody_else_s_session_can_not_be_posted_to(workers: tuple[Worker, Worker]) -> None:
    """Nor told from one that is not there."""
    one, _ = workers
    ada = await sync_to_async(User.objects.create)(username="ada")
    session = await open_session("fixture", Principal(ada), Connection(""), transport="sse")
    response = await post(one, request("ping"), path=f"/mcp/fixture/messages?session_id={session.id}")
    unknown = await post(one, request("ping"), path="/mcp/fixture/messages?session_id=unknown")
    assert (response.status, response.body) == (404, unknown.body)
    assert await PostedMessage.objects.acount() == 0


# Where it is


async def test_the_streamable_transport_is_served_beside_it(application: Any) -> None:
    """A session that is posted to at ``/mcp/fixture`` is none of these."""

    async def at_endpoint(scope: Any, receive: Any, send: Any) -> None:
        await application({**scope, "path": "/mcp/fixture"}, receive, send)

    streamable = await Peer.open(at_endpoint)
    assert await streamable.ask("ping") == {}
    assert (await Session.objects.aget()).transport == "streamable-http"
