"""Streamable HTTP with a session: its stream, what runs in it, and what it may not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from threading import Thread
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient
from django.urls import path
from mcp.shared.exceptions import MCPDeprecationWarning
from mcp_types import ServerNotification

from mcp_django import Context, MCPServer
from mcp_django.models import Session
from mcp_django.sessions.hub import get_hub
from mcp_django.sessions.store import end_sessions, forget_sessions
from mcp_django.transports import session
from tests.sessions.peer import Peer, heard, leave, result_of
from tests.sessions.roads import over_http, over_stdio
from tests.sessions.switch import sessions_on
from tests.wire import Call, post, request

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]

TOOLS = "notifications/tools/list_changed"
UPDATED = "notifications/resources/updated"


@pytest.fixture(autouse=True)
def _sessions(settings: Any) -> Iterator[None]:
    with sessions_on(settings):
        yield


@pytest.fixture
async def peer(application: Any) -> Peer:
    """A client with a session."""
    return await Peer.open(application)


@pytest.fixture
async def stream(peer: Peer) -> AsyncIterator[Call]:
    """Its stream, open."""
    stream = await peer.stream()
    yield stream
    await leave(stream)


async def ended(call: Call) -> None:
    """Wait until a stream has ended by itself, and without a word."""
    response = await call.finished()
    assert response.events == []


# The official client


@pytest.mark.filterwarnings(f"ignore::{MCPDeprecationWarning.__module__}.{MCPDeprecationWarning.__name__}")
@pytest.mark.parametrize("road", ["http", "stdio"])
async def test_the_official_client_hears_of_changes(server: MCPServer, application: Any, road: str) -> None:
    told: list[Any] = []
    news = asyncio.Event()

    async def note(message: Any) -> None:
        if isinstance(message, ServerNotification):
            told.append(message.root if hasattr(message, "root") else message)
            news.set()

    async def next_is(method: str) -> Any:
        while not told:
            news.clear()
            await news.wait()
        assert told[0].method == method
        return told.pop(0)

    connected = over_stdio(server, "legacy", message_handler=note) if road == "stdio" else None
    async with (
        asyncio.timeout(10),
        connected or over_http(application, mode="legacy", message_handler=note) as client,
    ):
        while not len(get_hub().listeners):  # the client opens its stream when it likes
            await asyncio.sleep(0.01)
        await client.subscribe_resource("polls://5")
        server.notify_resource_updated("polls://6")
        server.notify_resource_updated("polls://5")
        assert str((await next_is(UPDATED)).params.uri) == "polls://5"
        await client.unsubscribe_resource("polls://5")
        server.notify_resource_updated("polls://5")
        for kind in ("tools", "prompts", "resources"):
            getattr(server, f"notify_{kind}_changed")()
            await next_is(f"notifications/{kind}/list_changed")


async def test_a_client_on_a_pipe_hears_of_changes_for_as_long_as_the_pipe_is_there(
    server: MCPServer, limited: Callable[..., None]
) -> None:
    """It can open no other stream, and may shake hands again."""
    limited(STREAM_SECONDS=0.05)
    told: asyncio.Queue[Any] = asyncio.Queue()
    async with asyncio.timeout(10), over_stdio(server, "legacy", message_handler=told.put) as client:
        for _ in range(2):
            await asyncio.sleep(0.1)
            server.notify_tools_changed()
            await told.get()
            await client.session.initialize()
            assert len(get_hub().listeners) == 1
        assert told.empty()


async def test_the_official_client_ends_its_session(application: Any) -> None:
    async with over_http(application, mode="legacy") as client:
        assert client.server_capabilities.tools is not None
        assert client.server_capabilities.tools.list_changed
        assert await Session.objects.acount() == 1
    assert await Session.objects.acount() == 0


@pytest.mark.parametrize("version", ["2025-03-26", "2025-06-18", "2025-11-25"])
async def test_every_revision_with_a_handshake_gets_a_session(application: Any, version: str) -> None:
    peer = await Peer.open(application, version=version)
    assert peer.session is not None
    assert (await Session.objects.aget()).protocol_version == version
    assert await peer.ask("tools/list") == {"tools": []}


async def test_a_client_may_do_without_its_session(application: Any, peer: Peer) -> None:
    """It is served, but can't subscribe: nobody would ever tell it anything."""
    peer.session = None
    assert await peer.ask("tools/list") == {"tools": []}
    refused = await peer.post(peer.request("resources/subscribe", {"uri": "x://1"}))
    assert refused.json["error"]["code"] == -32601


async def test_shaking_hands_again_makes_another_session(application: Any, peer: Peer) -> None:
    again = await post(
        application,
        request("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": INFO}),
        headers=peer.headers,
    )
    assert again.headers["mcp-session-id"] != peer.session
    assert await Session.objects.acount() == 2


INFO = {"name": "again", "version": "1"}


# The stream


async def test_the_stream_begins_at_once(stream: Call) -> None:
    """daphne holds the headers back until there is something to send."""
    assert (stream.response.status, stream.response.headers["content-type"]) == (200, "text/event-stream")
    assert stream.response.body.startswith(b":")


async def test_the_stream_tells_of_lists_and_of_what_was_subscribed_to(
    server: MCPServer, peer: Peer, stream: Call
) -> None:
    await peer.ask("resources/subscribe", {"uri": "polls://5"})
    server.notify_resource_updated("polls://6")
    server.notify_resource_updated("polls://5")
    (updated,) = await heard(stream, UPDATED)
    assert updated == {"jsonrpc": "2.0", "method": UPDATED, "params": {"uri": "polls://5"}}
    server.notify_tools_changed()
    await heard(stream, TOOLS)
    await peer.ask("resources/unsubscribe", {"uri": "polls://5"})
    server.notify_resource_updated("polls://5")
    server.notify_prompts_changed()
    await heard(stream, "notifications/prompts/list_changed")
    assert len(await heard(stream, UPDATED)) == 1


async def test_what_was_subscribed_to_before_the_stream_was_opened_is_told_of(server: MCPServer, peer: Peer) -> None:
    await peer.ask("resources/subscribe", {"uri": "polls://5"})
    forget_sessions()
    stream = await peer.stream()
    server.notify_resource_updated("polls://5")
    await heard(stream, UPDATED)
    await leave(stream)


async def test_two_sessions_are_told_of_what_each_has_subscribed_to(server: MCPServer, application: Any) -> None:
    peers = [await Peer.open(application) for _ in range(2)]
    streams = [await peer.stream() for peer in peers]
    for number, peer in enumerate(peers):
        await peer.ask("resources/subscribe", {"uri": f"x://{number}"})
    for number in range(2):
        server.notify_resource_updated(f"x://{number}")
    server.notify_tools_changed()
    for number, stream in enumerate(streams):
        await heard(stream, TOOLS)
        assert [event["params"]["uri"] for event in await heard(stream, UPDATED)] == [f"x://{number}"]
    await leave(*streams)


async def test_a_second_stream_of_a_session_ends_the_first(server: MCPServer, peer: Peer, stream: Call) -> None:
    second = await peer.stream()
    await ended(stream)
    server.notify_tools_changed()
    await heard(second, TOOLS)
    await leave(second)


async def test_a_stream_that_was_left_leaves_nothing_behind(peer: Peer) -> None:
    await leave(await peer.stream())
    assert len(get_hub().listeners) == 0


async def test_the_stream_ends_with_its_session(peer: Peer, stream: Call) -> None:
    await peer.end()
    await ended(stream)


async def test_the_stream_ends_when_somebody_else_ends_the_session(peer: Peer, stream: Call) -> None:
    await sync_to_async(end_sessions)([peer.session])
    await ended(stream)


async def test_the_stream_looks_now_and_then_whether_its_session_is_still_there(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For whoever ends a session may not get the word through."""
    monkeypatch.setattr(session, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr("mcp_django.sessions.store.FRESH_SECONDS", -1)
    stream = await peer.stream()
    await asyncio.sleep(0.15)
    assert not stream.task.done()
    await Session.objects.all().adelete()
    await ended(stream)


async def test_the_stream_finds_what_was_subscribed_to_elsewhere(
    server: MCPServer, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says at once that what is new may have changed: it was not listened to until now."""
    monkeypatch.setattr(session, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr("mcp_django.sessions.store.FRESH_SECONDS", -1)
    stream = await peer.stream()
    await Session.objects.filter(pk=peer.session).aupdate(subscriptions=["x://1"])
    await heard(stream, UPDATED)
    server.notify_resource_updated("x://1")
    await heard(stream, UPDATED, times=2)
    await leave(stream)


@pytest.mark.parametrize("seconds", [0.1, 0.3])
async def test_the_stream_ends_after_a_while(peer: Peer, limited: Callable[..., None], seconds: float) -> None:
    limited(STREAM_SECONDS=seconds)
    await ended(await peer.stream())


async def test_the_stream_of_a_client_that_stops_reading_ends_as_well(
    server: MCPServer, application: Any, limited: Callable[..., None]
) -> None:
    limited(STREAM_SECONDS=0.3)
    stuck = asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        async def wait(event: Any) -> None:
            if event.get("more_body") and b"list_changed" in event["body"]:
                stuck.set()
                await asyncio.Event().wait()
            await send(event)

        await application(scope, receive, wait)

    stream = await (await Peer.open(slow)).stream()
    server.notify_tools_changed()
    async with asyncio.timeout(10):
        await stuck.wait()
    await ended(stream)
    assert len(get_hub().listeners) == 0


async def test_the_stream_shows_signs_of_life(peer: Peer, limited: Callable[..., None]) -> None:
    limited(KEEP_ALIVE_SECONDS=0.05)
    stream = await peer.stream()
    async with asyncio.timeout(10):
        while stream.response.body.count(b": keep-alive") < 2:
            await stream.sent.get()
    await leave(stream)


async def test_there_are_only_so_many_streams(application: Any, limited: Callable[..., None]) -> None:
    limited(MAX_STREAMS=1)
    stream = await (await Peer.open(application)).stream()
    refused = await (await Peer.open(application)).get().finished()
    assert (refused.status, refused.headers["retry-after"]) == (503, "30")
    await leave(stream)
    await leave(await (await Peer.open(application)).stream())


async def test_a_session_may_renew_its_stream_where_there_is_no_room_for_another(
    peer: Peer, limited: Callable[..., None]
) -> None:
    """Its connection may be broken, which we have not noticed yet."""
    limited(MAX_STREAMS=1)
    first = await peer.stream()
    second = await peer.stream()
    await ended(first)
    await leave(second)


async def test_a_stream_is_refused_when_it_can_not_be_one(application: Any, peer: Peer) -> None:
    headers = peer.headers
    assert (await Call(application, method="GET", headers={**headers, "accept": "text/html"}).finished()).status == 406
    del headers["mcp-session-id"]
    for method in ("GET", "DELETE"):
        refused = await Call(application, method=method, headers=headers).finished()
        assert (refused.status, refused.headers["allow"]) == (405, "POST")
    modern = {**peer.headers, "mcp-protocol-version": "2026-07-28"}
    assert (await Call(application, method="GET", headers=modern).finished()).status == 405


# Telling of changes from anywhere


@pytest.fixture
def _signals_of_models(monkeypatch: pytest.MonkeyPatch) -> None:
    for signal in (post_save, post_delete):
        monkeypatch.setattr(signal, "receivers", list(signal.receivers))
        signal.sender_receivers_cache.clear()


async def test_a_bare_thread_tells_at_once(server: MCPServer, stream: Call) -> None:
    Thread(target=server.notify_tools_changed).start()
    await heard(stream, TOOLS)


async def test_async_code_tells_at_once(server: MCPServer, stream: Call) -> None:
    await server.anotify_tools_changed()
    await heard(stream, TOOLS)


async def test_another_event_loop_tells_at_once(server: MCPServer, stream: Call) -> None:
    await asyncio.to_thread(lambda: asyncio.run(server.anotify_tools_changed()))
    await heard(stream, TOOLS)


async def test_a_sync_view_tells_at_once(server: MCPServer, stream: Call, settings: Any) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        server.notify_tools_changed()
        return HttpResponse("told")

    settings.ROOT_URLCONF = type("URLs", (), {"urlpatterns": [path("view/", view)]})
    response = await AsyncClient().get("/view/", headers={"host": "testserver"})
    assert response.status_code == 200
    await heard(stream, TOOLS)


@pytest.mark.parametrize("flavour", ["sync", "async"])
async def test_a_tool_tells_before_it_is_done(server: MCPServer, peer: Peer, stream: Call, flavour: str) -> None:
    go_on = asyncio.Event()

    @server.tool(name="async")
    async def async_tool() -> None:
        server.notify_tools_changed()
        await go_on.wait()

    @server.tool(name="sync")
    def sync_tool() -> None:
        server.notify_tools_changed()

    call = peer.start(flavour)
    await heard(stream, TOOLS)
    go_on.set()
    await call.finished()


@pytest.mark.usefixtures("_signals_of_models")
async def test_a_saved_row_is_told_of_once_it_is_committed(server: MCPServer, peer: Peer, stream: Call) -> None:
    server.notify_on_save(Group, "groups://{name}")
    for name in ("kept", "lost"):
        await peer.ask("resources/subscribe", {"uri": f"groups://{name}"})

    def save() -> None:
        with transaction.atomic():
            Group.objects.create(name="kept")
            told_before_commit.set_result(UPDATED in str(stream.response.events))
        with transaction.atomic():
            Group.objects.create(name="lost")
            transaction.set_rollback(True)
        server.notify_tools_changed()

    told_before_commit: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    await sync_to_async(save)()
    await heard(stream, TOOLS)
    assert [event["params"]["uri"] for event in await heard(stream, UPDATED)] == ["groups://kept"]
    assert not await told_before_commit


async def test_a_change_that_nobody_waits_for_costs_nothing(server: MCPServer) -> None:
    for _ in range(1000):
        server.notify_resource_updated("x://1")


# Calls of a session


@pytest.fixture
def waiting(server: MCPServer) -> asyncio.Event:
    """A tool ``wait`` that speaks, and waits until it is let go or cancelled."""
    go_on = asyncio.Event()

    @server.tool
    async def wait(ctx: Context) -> str:
        await ctx.info("waiting")
        await go_on.wait()
        return "gone on"

    return go_on


async def begin(peer: Peer, request_id: int | str) -> Call:
    call = peer.start("wait", id=request_id)
    await heard(call, "notifications/message")
    return call


@pytest.mark.parametrize("request_id", [7, "seven", "7", 0, ""])
async def test_a_call_is_cancelled_by_its_id(peer: Peer, waiting: asyncio.Event, request_id: int | str) -> None:
    call = await begin(peer, request_id)
    assert (await peer.tell("notifications/cancelled", {"requestId": request_id})).status == 202
    response = await call.finished()
    assert [event["method"] for event in response.events] == ["notifications/message"]


@pytest.mark.parametrize("params", [{"requestId": 8}, {"requestId": "7"}, {"requestId": [7]}, {"requestId": None}, {}])
async def test_a_cancellation_that_fits_no_call_cancels_none(
    peer: Peer, waiting: asyncio.Event, params: dict[str, Any]
) -> None:
    call = await begin(peer, 7)
    assert (await peer.tell("notifications/cancelled", params)).status == 202
    waiting.set()
    assert (await result_of(call))["content"][0]["text"] == "gone on"


async def test_another_session_can_not_cancel_a_call(application: Any, peer: Peer, waiting: asyncio.Event) -> None:
    call = await begin(peer, 7)
    other = await Peer.open(application)
    assert (await other.tell("notifications/cancelled", {"requestId": 7})).status == 202
    waiting.set()
    assert (await result_of(call))["content"][0]["text"] == "gone on"


async def test_a_session_runs_only_so_many_calls_at_a_time(
    application: Any, peer: Peer, waiting: asyncio.Event, limited: Callable[..., None]
) -> None:
    limited(MAX_CALLS_PER_SESSION=2)
    calls = [await begin(peer, number) for number in (1, 2)]
    refused = await peer.post(request("tools/list", id=3))
    assert (refused.status, refused.headers["retry-after"]) == (429, "1")
    assert refused.json["error"]["message"] == "2 calls of this session are under way: wait for one of them."
    assert (refused.json["id"], refused.json["error"]["code"]) == (3, -32603)
    assert (await peer.tell("notifications/initialized")).status == 202
    assert await (await Peer.open(application)).ask("ping") == {}
    waiting.set()
    for call in calls:
        await call.finished()
    assert await peer.ask("ping") == {}


async def test_a_call_that_was_left_makes_room(
    peer: Peer, waiting: asyncio.Event, limited: Callable[..., None]
) -> None:
    limited(MAX_CALLS_PER_SESSION=1)
    await leave(await begin(peer, 1))
    assert await peer.ask("ping") == {}


async def test_an_id_that_is_taken_is_refused(peer: Peer, waiting: asyncio.Event) -> None:
    call = await begin(peer, 7)
    refused = await peer.post(request("ping", id=7))
    assert (refused.status, refused.json["error"]["code"], refused.json["id"]) == (400, -32600, 7)
    waiting.set()
    assert "content" in await result_of(call)


async def test_a_call_goes_on_when_its_session_ends(peer: Peer, waiting: asyncio.Event) -> None:
    call = await begin(peer, 7)
    await peer.end()
    waiting.set()
    assert (await result_of(call))["content"][0]["text"] == "gone on"


async def test_a_database_that_goes_away_refuses_and_comes_back(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A client that hears 404 gives its session up; one that hears of our trouble tries again."""
    from django.db import OperationalError

    def fail(*args: Any) -> None:
        raise OperationalError("the server closed the connection unexpectedly")

    caplog.set_level(logging.ERROR)
    forget_sessions()
    with monkeypatch.context() as patch:
        patch.setattr("mcp_django.sessions.store._read", fail)
        response = await peer.post(peer.request("ping"))
    assert response.status in (500, 503)
    assert "the server closed" not in response.body.decode()
    assert "the server closed" in caplog.text
    assert await peer.ask("ping") == {}
