"""What is kept of a handshake client, and for how long."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import DatabaseError
from django.utils import timezone

from mcp_django import Context, MCPServer
from mcp_django.auth import ANONYMOUS, Principal
from mcp_django.models import Session
from mcp_django.sessions import store
from mcp_django.sessions.connection import Connection
from mcp_django.sessions.store import end_sessions, find_session, forget_sessions, open_session
from mcp_django.transports.streamable_http import StreamableHTTPConsumer
from tests.sessions.peer import Peer
from tests.sessions.queries import note_queries
from tests.wire import post, request

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sessions")]

HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "peer", "version": "1"}}


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return note_queries(monkeypatch)


@pytest.fixture
def stale(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every session have been read too long ago."""
    monkeypatch.setattr(store, "FRESH_SECONDS", -1)


async def row(peer: Peer) -> Session:
    return await Session.objects.aget(pk=peer.session)


async def age(peer: Peer, seconds: float) -> None:
    """Let a session have been silent for so long."""
    await Session.objects.filter(pk=peer.session).aupdate(seen=timezone.now() - timedelta(seconds=seconds))
    forget_sessions()


async def is_known(peer: Peer) -> bool:
    response = await peer.post(peer.request("ping"))
    assert response.status in (200, 404)
    if response.status == 404:
        assert response.json["error"]["message"] == "There is no such session: send initialize."
    return response.status == 200


# What is kept


async def test_a_handshake_makes_a_row(application: Any) -> None:
    peer = await Peer.open(application, {"elicitation": {}, "roots": {"listChanged": True}}, version="2025-06-18")
    session = await row(peer)
    assert (session.server, session.user_id, session.client_id) == ("fixture", None, "")
    assert session.protocol_version == "2025-06-18"
    assert session.client_info == {"name": "peer", "version": "1"}
    assert session.capabilities == {"elicitation": {}, "roots": {"listChanged": True}}
    assert (session.log_level, session.subscriptions) == ("info", [])
    assert abs(timezone.now() - session.created) < timedelta(minutes=1)
    assert abs(timezone.now() - session.seen) < timedelta(minutes=1)


async def test_no_two_sessions_have_the_same_id_and_none_can_be_guessed(application: Any) -> None:
    ids = {(await Peer.open(application)).session for _ in range(5)}
    assert len(ids) == 5
    assert all(each is not None and len(each) >= 43 and each.isascii() and each.isprintable() for each in ids)


async def test_a_failed_handshake_makes_no_row(application: Any) -> None:
    response = await post(application, request("initialize", {"protocolVersion": 5}))
    assert "error" in response.json
    assert "mcp-session-id" not in response.headers
    assert await Session.objects.acount() == 0


async def test_a_client_can_not_fill_the_memory_with_its_name(application: Any) -> None:
    peer = await Peer.open(
        application,
        {"experimental": {"x": {"y": "z" * 100_000}}},
        title="t" * 100_000,
        icons=[{"src": "https://example.com/i.png"}] * 1000,
        more={"deep": "z" * 100_000},
    )
    session = await row(peer)
    assert len(str(session.client_info)) + len(str(session.capabilities)) < 10_000
    assert session.client_info["name"] == "peer"
    assert await is_known(peer)


async def test_a_name_with_a_nul_is_kept_without_it(application: Any) -> None:
    """PostgreSQL takes none, in text or in JSON."""
    peer = await Peer.open(application, {"experimental": {"a\0": {"b": "\0"}}}, title="a\0b")
    session = await row(peer)
    assert "\0" not in str([session.client_info, session.capabilities])


async def test_a_client_is_served_without_a_session_when_the_table_is_not_there(
    application: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: Any) -> None:
        raise DatabaseError("no such table: mcp_django_session")

    monkeypatch.setattr(store, "_insert", fail)
    peer = await Peer.open(application)
    assert peer.session is None
    assert "has `manage.py migrate` been run?" in caplog.text
    assert await peer.ask("tools/list") == {"tools": []}


async def test_without_sessions_no_database_is_asked(
    application: Any, limited: Callable[..., None], queries: list[str]
) -> None:
    limited(SESSIONS=False)
    peer = await Peer.open(application)
    assert peer.session is None
    peer.session = "made-up"
    assert await is_known(peer)
    assert await peer.ask("tools/list") == {"tools": []}
    assert queries == []


# How it is found


async def test_a_session_that_was_seen_a_moment_ago_costs_no_query(
    server: MCPServer, application: Any, queries: list[str]
) -> None:
    @server.tool
    async def add(a: int, b: int) -> int:
        return a + b

    peer = await Peer.open(application)
    queries.clear()
    assert (await peer.call("add", a=1, b=2))["structuredContent"] == {"result": 3}
    assert await is_known(peer)
    await peer.tell("notifications/initialized")
    assert queries == []


@pytest.mark.usefixtures("stale")
async def test_a_session_that_was_seen_some_time_ago_is_read_once(application: Any, queries: list[str]) -> None:
    peer = await Peer.open(application)
    queries.clear()
    assert await is_known(peer)
    assert [query.split()[0] for query in queries] == ["SELECT"]


async def test_a_worker_that_has_never_seen_a_session_reads_it(application: Any, queries: list[str]) -> None:
    peer = await Peer.open(application)
    forget_sessions()
    queries.clear()
    for _ in range(3):
        assert await is_known(peer)
    assert [query.split()[0] for query in queries] == ["SELECT"]


@pytest.mark.usefixtures("stale")
async def test_a_session_that_changes_while_it_is_read_is_read_again(
    application: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = await Peer.open(application)
    forget_sessions()
    read, go_on, read_row = threading.Event(), threading.Event(), store._read

    def read_slowly(session_id: str) -> store.LiveSession | None:
        found = read_row(session_id)
        read.set()
        assert go_on.wait(10)
        return found

    monkeypatch.setattr(store, "_read", read_slowly)
    finding = asyncio.ensure_future(find_session(peer.session, "fixture", ANONYMOUS))
    await asyncio.to_thread(read.wait, 10)
    session = store.LiveSession("2025-11-25", {}, {}, id=peer.session)
    await session.open_stream("newest")
    go_on.set()
    found = await finding
    assert found is not None
    assert found.stream == "newest"


async def test_that_a_client_was_seen_is_written_once_a_minute_at_most(application: Any, queries: list[str]) -> None:
    peer = await Peer.open(application)
    await age(peer, 90)
    queries.clear()
    for _ in range(3):
        assert await is_known(peer)
    assert [query.split()[0] for query in queries].count("UPDATE") == 1
    assert timezone.now() - (await row(peer)).seen < timedelta(seconds=60)


async def test_a_process_keeps_only_so_many(application: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_KEPT", 3)
    peers = [await Peer.open(application) for _ in range(5)]
    assert len(store._kept) == 3
    for peer in peers:
        assert await is_known(peer)


async def test_many_requests_at_once_find_the_session(application: Any) -> None:
    peer = await Peer.open(application)
    forget_sessions()
    async with asyncio.timeout(20):
        assert all(await asyncio.gather(*(is_known(peer) for _ in range(20))))


# Who finds it


@pytest.mark.parametrize("session", ["", "nope", "x" * 65, "x" * 5000, "é", "'; DROP TABLE x; --", "\t"])
async def test_a_session_that_never_was_is_not_found(application: Any, session: str) -> None:
    peer = Peer(application, session)
    assert not await is_known(peer)
    assert (await peer.end()).status == 404
    assert (await peer.get().finished()).status == 404
    assert (await peer.tell("notifications/initialized")).status == 404


async def test_an_id_that_is_no_session_s_is_not_looked_up(application: Any, queries: list[str]) -> None:
    assert not await is_known(Peer(application, "x" * 65))
    assert queries == []


async def test_a_session_belongs_to_the_server_that_opened_it(application: Any) -> None:
    peer = await Peer.open(application)
    other = StreamableHTTPConsumer.as_asgi(server=MCPServer("other"))
    assert not await is_known(peer.at(other))
    assert (await peer.at(other).end()).status == 404
    assert await is_known(peer)


async def test_a_session_belongs_to_its_user_and_client() -> None:
    ada, mary = [await User.objects.acreate(username=name) for name in ("ada", "mary")]
    principals = [
        Principal(account=ada),
        Principal(account=ada, client_id="app"),
        Principal(account=ada, client_id="other"),
        Principal(account=mary, client_id="app"),
        Principal(client_id="app"),
    ]
    opened = [(await open_session("fixture", each, Connection("2025-11-25"))).id for each in principals]
    for _ in range(2):
        for session_id, owner in zip(opened, principals, strict=True):
            found = [await find_session(session_id, "fixture", each) is not None for each in principals]
            assert found == [each is owner for each in principals]
        forget_sessions()


async def test_a_user_s_sessions_go_with_the_user() -> None:
    ada = await User.objects.acreate(username="ada")
    session = await open_session("fixture", Principal(account=ada), Connection("2025-11-25"))
    await ada.adelete()
    forget_sessions()
    assert await find_session(session.id, "fixture", Principal(account=ada)) is None


# How it ends


async def test_a_client_ends_its_session(application: Any) -> None:
    peer, other = await Peer.open(application), await Peer.open(application)
    ended = await peer.end()
    assert (ended.status, ended.body) == (204, b"")
    assert not await is_known(peer)
    assert (await peer.end()).status == 404
    assert (await peer.get().finished()).status == 404
    assert await is_known(other)
    assert not await Session.objects.filter(pk=peer.session).aexists()


async def test_a_session_that_was_ended_elsewhere_is_refused_once_it_is_looked_at(
    application: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The word of its end may get lost: then it takes as long as the session counts as just seen."""
    peer = await Peer.open(application)
    await Session.objects.all().adelete()
    assert await is_known(peer)
    monkeypatch.setattr(store, "FRESH_SECONDS", -1)
    assert not await is_known(peer)


async def test_a_session_that_was_ended_in_another_thread_is_refused_at_once(application: Any) -> None:
    peer = await Peer.open(application)
    await sync_to_async(end_sessions)([peer.session])
    await asyncio.sleep(0)
    assert not await is_known(peer)


async def test_a_client_that_was_silent_for_too_long_shakes_hands_again(
    application: Any, limited: Callable[..., None]
) -> None:
    limited(SESSION_IDLE_SECONDS=100)
    peer, idle = await Peer.open(application), await Peer.open(application)
    await age(peer, 95)
    await age(idle, 105)
    assert await is_known(peer)
    assert not await is_known(idle)
    assert not await Session.objects.filter(pk=idle.session).aexists()


async def test_there_are_only_so_many_sessions(application: Any, limited: Callable[..., None]) -> None:
    limited(MAX_SESSIONS=2)
    peers = [await Peer.open(application) for _ in range(2)]
    response = await post(application, request("initialize", HELLO))
    assert (response.status, response.headers["retry-after"]) == (503, "60")
    assert response.json["error"]["message"] == "2 sessions are open: try again later."
    assert response.json["id"] == 1
    assert await is_known(peers[0])
    await peers[0].end()
    assert await is_known(await Peer.open(application))


async def test_idle_sessions_make_room_for_new_ones(application: Any, limited: Callable[..., None]) -> None:
    limited(MAX_SESSIONS=2, SESSION_IDLE_SECONDS=100)
    idle, peer = await Peer.open(application), await Peer.open(application)
    await age(idle, 105)
    assert await is_known(await Peer.open(application))
    assert await is_known(peer)
    assert not await is_known(idle)


async def test_the_command_ends_sessions_here_as_well(application: Any) -> None:
    peer = await Peer.open(application)
    await sync_to_async(call_command)("clearmcpsessions", "--all", verbosity=0)
    await asyncio.sleep(0)
    assert not await is_known(peer)


# What a client says later


async def test_the_log_level_is_remembered_on_every_worker(server: MCPServer, application: Any) -> None:
    @server.tool
    async def talk(ctx: Context) -> str:
        await ctx.debug("a detail")
        await ctx.warning("a danger")
        return "said"

    peer = await Peer.open(application)
    for level, wanted in (("error", []), ("debug", ["a detail", "a danger"]), ("warning", ["a danger"])):
        assert await peer.ask("logging/setLevel", {"level": level}) == {}
        for _ in range(2):
            call = peer.start("talk")
            events = (await call.finished()).events
            assert [each["params"]["data"] for each in events if each.get("method")] == wanted
            forget_sessions()


async def test_subscriptions_are_remembered_on_every_worker(application: Any) -> None:
    peer = await Peer.open(application)
    for number in (1, 2, 3):
        assert await peer.ask("resources/subscribe", {"uri": f"x://{number}"}) == {}
        forget_sessions()
    assert await peer.ask("resources/unsubscribe", {"uri": "x://2"}) == {}
    assert await peer.ask("resources/unsubscribe", {"uri": "x://9"}) == {}
    assert (await row(peer)).subscriptions == ["x://1", "x://3"]


async def test_two_workers_do_not_lose_each_other_s_subscriptions(application: Any) -> None:
    """Both know the session as it was before either was asked."""
    peer = await Peer.open(application)
    assert peer.session
    here, there = [
        await find_session(peer.session, "fixture", ANONYMOUS) for _ in range(2) if forget_sessions() is None
    ]
    assert here is not None
    assert there is not None
    assert here is not there
    await here.subscribe("x://1")
    await there.subscribe("x://2")
    await here.unsubscribe("x://9")
    assert (await row(peer)).subscriptions == ["x://1", "x://2"]


async def test_many_subscriptions_at_once_are_all_kept(application: Any) -> None:
    peer = await Peer.open(application)
    async with asyncio.timeout(20):
        await asyncio.gather(*(peer.ask("resources/subscribe", {"uri": f"x://{number}"}) for number in range(10)))
    assert len((await row(peer)).subscriptions) == 10


async def test_a_session_that_ends_while_it_subscribes_stays_away(application: Any) -> None:
    peer = await Peer.open(application)
    assert peer.session
    session = await find_session(peer.session, "fixture", ANONYMOUS)
    assert session is not None
    await peer.end()
    await session.subscribe("x://1")
    await session.set_log_level("debug")
    assert await Session.objects.acount() == 0


@pytest.mark.parametrize("uri", ["x://" + "y" * 10_000, "x://\0", "é", ""])
async def test_any_uri_may_be_subscribed_to_or_is_refused(application: Any, uri: str) -> None:
    peer = await Peer.open(application)
    response = await peer.post(peer.request("resources/subscribe", {"uri": uri}))
    assert response.json.get("result") == {} or response.json["error"]["code"] == -32602


async def test_a_session_subscribes_to_only_so_much(application: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_django.engine.subscriptions.MAX_SUBSCRIPTIONS", 2)
    peer = await Peer.open(application)
    for number in (1, 2):
        await peer.ask("resources/subscribe", {"uri": f"x://{number}"})
    refused = await peer.post(peer.request("resources/subscribe", {"uri": "x://3"}))
    assert refused.json["error"]["message"] == "A session listens to at most 2 resources."
    assert await peer.ask("resources/subscribe", {"uri": "x://1"}) == {}
    assert (await row(peer)).subscriptions == ["x://1", "x://2"]
