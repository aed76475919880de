"""Sessions, streams and states belong to who signed in, and end with that, over every transport."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Permission, User
from django.utils import timezone
from oauth2_provider.models import AccessToken

from mcp_django import Context, MCPServer
from mcp_django.auth import create_key, revoke_key
from mcp_django.engine import subscriptions
from mcp_django.models import APIKey, PostedMessage
from mcp_django.registry import servers
from mcp_django.sessions.hub import get_hub
from mcp_django.sessions.store import forget_sessions
from mcp_django.transports import resumable, session
from mcp_django.transports.sse import MessagesConsumer, SSEConsumer
from tests.auth.tokens import bearing, make_token, make_user
from tests.sessions.peer import Peer, begun, heard, leave, listening
from tests.sessions.sse_peer import SSEPeer
from tests.sessions.switch import sessions_on
from tests.wire import Call, modern_request, post, request

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]

UPDATED = "notifications/resources/updated"


@pytest.fixture(autouse=True)
def _sessions(settings: Any) -> Iterator[None]:
    with sessions_on(settings, AUTH="required", SSE=True, EVENT_LOG=True):
        yield


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let open streams look all the time."""
    monkeypatch.setattr(subscriptions, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(session, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(resumable, "CHECK_SECONDS", 0.01)
    monkeypatch.setattr(resumable, "LOOK_SECONDS", 0.01)


@pytest.fixture
def counting(server: MCPServer) -> asyncio.Event:
    """Declare a tool that says one word, waits for this, and says another."""
    go_on = asyncio.Event()

    @server.tool
    async def count(ctx: Context) -> str:
        await ctx.info("one")
        await go_on.wait()
        await ctx.info("two")
        return "counted"

    return go_on


async def token_of(name: str, **options: Any) -> str:
    return await sync_to_async(lambda: make_token(make_user(name), **options))()


async def opened(application: Any, token: str, era: str, *uris: str) -> Call:
    """Open a stream that waits for events."""
    if era == "sse":
        return (await SSEPeer.open(bearing(over_sse(application), token))).stream
    if era == "handshake":
        peer = await Peer.open(bearing(application, token))
        for uri in uris:
            assert (await peer.ask("resources/subscribe", {"uri": uri})) == {}
        return await peer.stream()
    call = listening(bearing(application, token), {"resourceSubscriptions": list(uris)})
    await begun(call)
    return call


def over_sse(application: Any) -> Any:
    """Return the two endpoints of HTTP+SSE beside the streamable one."""
    (server,) = [each for each in servers() if each.path == "fixture"]
    stream, messages = SSEConsumer.as_asgi(server=server), MessagesConsumer.as_asgi(server=server)

    async def routed(scope: Any, receive: Any, send: Any) -> None:
        road = {"/mcp/fixture/sse": stream, "/mcp/fixture/messages": messages}.get(scope["path"], application)
        await road(scope, receive, send)

    return routed


async def lost(peer: Peer) -> str:
    """Call ``count``, lose the connection after its first word, and return that word's id."""
    call = peer.start("count")
    await heard(call, "notifications/message")
    await leave(call)
    return call.response.event_ids[-1]


def back(peer: Peer, event_id: str) -> Call:
    """Come back for the rest."""
    headers = {**peer.headers, "accept": "text/event-stream", "last-event-id": event_id}
    return Call(peer.application, method="GET", headers=headers)


async def refuse(how: str) -> None:
    """Take away what the stream rests on."""
    if how == "revoked":
        await sync_to_async((await AccessToken.objects.aget()).revoke)()
    elif how == "expired":
        await AccessToken.objects.aupdate(expires=timezone.now() - timedelta(seconds=1))
    elif how == "expired key":
        await APIKey.objects.aupdate(expires_at=timezone.now() - timedelta(seconds=1))
    elif how == "inactive":
        await User.objects.aupdate(is_active=False)
    else:
        await sync_to_async(revoke_key)(await APIKey.objects.aget())


@pytest.mark.parametrize("era", ["handshake", "2026-07-28", "sse"])
@pytest.mark.parametrize("how", ["revoked", "expired", "inactive", "key", "expired key"])
async def test_a_stream_ends_when_what_it_rests_on_is_gone(application: Any, looking: None, era: str, how: str) -> None:
    user = await sync_to_async(make_user)("ada")
    token = await (sync_to_async(create_key)("agent", user) if "key" in how else token_of("ada"))
    stream = await opened(application, token, era)
    await refuse(how)
    await stream.finished()


@pytest.mark.parametrize("era", ["handshake", "2026-07-28", "sse"])
async def test_a_stream_ends_when_its_token_expires(application: Any, era: str) -> None:
    stream = await opened(application, await token_of("ada", seconds=1), era)
    await stream.finished()


@pytest.mark.parametrize("how", ["revoked", "expired", "inactive"])
async def test_a_stream_that_is_read_on_ends_when_what_it_rests_on_is_gone(
    application: Any, looking: None, counting: asyncio.Event, how: str
) -> None:
    peer = await Peer.open(bearing(application, await token_of("ada")))
    event_id = await lost(peer)
    stream = back(peer, event_id)
    await begun(stream)
    await refuse(how)
    assert "counted" not in (await stream.finished()).body.decode()
    assert (await back(peer, event_id).finished()).status == 401
    counting.set()


async def test_a_stream_that_is_read_on_ends_when_its_token_expires(application: Any, counting: asyncio.Event) -> None:
    event_id = await lost(peer := await Peer.open(bearing(application, await token_of("ada"))))
    short = peer.at(bearing(application, await token_of("ada", seconds=1)))
    assert "counted" not in (await back(short, event_id).finished()).body.decode()
    counting.set()


@pytest.mark.parametrize("era", ["handshake", "2026-07-28"])
async def test_a_stream_that_always_has_something_to_say_ends_all_the_same(
    server: MCPServer, application: Any, looking: None, era: str
) -> None:
    stream = await opened(application, await token_of("ada"), era, "test://open")
    await refuse("revoked")
    async with asyncio.timeout(10):
        while not stream.task.done():
            server.notify_resource_updated("test://open")
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("era", ["handshake", "2026-07-28"])
async def test_nobody_hears_of_what_they_may_not_read(server: MCPServer, application: Any, era: str) -> None:
    """It is acknowledged as what isn't there: neither ever says anything."""
    server.add_resource("test://shut", lambda: "", name="shut", permissions="auth.view_group")
    server.add_resource("test://open", lambda: "", name="open")
    stream = await opened(application, await token_of("ada"), era, "test://shut", "test://open", "test://absent")
    for uri in ("test://shut", "test://open"):
        server.notify_resource_updated(uri)
    events = await heard(stream, UPDATED)
    assert [event["params"]["uri"] for event in events] == ["test://open"]
    await leave(stream)


@pytest.mark.parametrize("era", ["handshake", "2026-07-28"])
async def test_who_may_not_read_it_any_more_does_not_hear_of_it(
    server: MCPServer, application: Any, looking: None, era: str
) -> None:
    def allow() -> None:
        make_user("ada").user_permissions.add(Permission.objects.get(codename="view_group"))

    server.add_resource("test://shut", lambda: "", name="shut", permissions="auth.view_group")
    await sync_to_async(allow)()
    stream = await opened(application, await token_of("ada"), era, "test://shut")
    server.notify_resource_updated("test://shut")
    await heard(stream, UPDATED)
    await sync_to_async(lambda: make_user("ada").user_permissions.clear())()
    (listener,) = get_hub().listeners._all
    async with asyncio.timeout(10):
        while listener.uris:
            await asyncio.sleep(0.01)
    await leave(stream)


async def test_what_a_client_wants_to_hear_of_is_asked_for_in_one_challenge(
    server: MCPServer, application: Any
) -> None:
    for name in ("read", "write"):
        server.add_resource(f"test://{name}", lambda: "", name=name, scopes=f"notes:{name}")
    wanted = {"resourceSubscriptions": ["test://read", "test://write"]}
    response = await listening(bearing(application, await token_of("ada")), wanted).finished()
    assert response.status == 403
    assert 'scope="mcp notes:read notes:write"' in response.headers["www-authenticate"]


@pytest.mark.parametrize("stranger", [{"name": "bob"}, {"name": "ada", "client": "other"}], ids=str)
async def test_a_session_is_there_for_its_own_user_and_client_alone(application: Any, stranger: dict[str, str]) -> None:
    peer = await Peer.open(bearing(application, await token_of("ada")))
    thief = peer.at(bearing(application, await token_of(**stranger)))
    assert (await thief.post(thief.request("ping"))).status == 404
    assert (await thief.get().finished()).status == 404
    assert (await thief.end()).status == 404
    renewed = peer.at(bearing(application, await token_of("ada")))
    assert (await renewed.post(renewed.request("ping"))).status == 200


@pytest.mark.parametrize("stranger", [{"name": "bob"}, {"name": "ada", "client": "other"}], ids=str)
async def test_nobody_else_reads_on_where_a_client_was_lost(
    application: Any, counting: asyncio.Event, stranger: dict[str, str]
) -> None:
    peer = await Peer.open(bearing(application, await token_of("ada")))
    event_id = await lost(peer)
    counting.set()
    thief = bearing(application, await token_of(**stranger))
    assert (await back(peer.at(thief), event_id).finished()).status == 404
    assert (await back(await Peer.open(thief), event_id).finished()).status == 400
    assert "counted" in (await back(peer, event_id).finished()).body.decode()


@pytest.mark.parametrize("stranger", [{"name": "bob"}, {"name": "ada", "client": "other"}], ids=str)
async def test_nobody_else_posts_to_a_stream(application: Any, stranger: dict[str, str]) -> None:
    """HTTP+SSE: the address to which a client posts is no credential."""
    endpoints = over_sse(application)
    peer = await SSEPeer.greeted(bearing(endpoints, await token_of("ada")))
    message = request("tools/list", id="stolen")
    thief = bearing(endpoints, await token_of(**stranger))
    assert (await peer.post(message, thief)).status == 404
    assert (await peer.post(message, endpoints)).status == 401
    assert await PostedMessage.objects.acount() == 0
    assert "tools" in await peer.ask("tools/list")
    assert "stolen" not in peer.stream.response.body.decode()
    await peer.leave()


async def test_who_signs_in_goes_on_in_the_session_that_was_opened_before(application: Any, settings: Any) -> None:
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "AUTH": "optional"}
    visitor = await Peer.open(application)
    stream = await visitor.stream()
    ada = visitor.at(bearing(application, await token_of("ada")))
    assert (await ada.ask("ping")) == {}
    await stream.finished()  # it is Ada's session now
    for stranger in (application, bearing(application, await token_of("bob"))):
        thief = visitor.at(stranger)
        assert (await thief.post(thief.request("ping"))).status == 404
        assert (await thief.get().finished()).status == 404
    forget_sessions()
    assert (await ada.ask("ping")) == {}


async def test_of_two_who_sign_in_at_once_one_gets_the_session(application: Any, settings: Any) -> None:
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "AUTH": "optional"}
    visitor = await Peer.open(application)
    peers = [visitor.at(bearing(application, await token_of(name))) for name in ("ada", "bob")]
    answers = await asyncio.gather(*(peer.post(peer.request("ping")) for peer in peers))
    assert sorted(answer.status for answer in answers) == [200, 404]


async def test_a_session_id_is_no_credential(application: Any) -> None:
    peer = await Peer.open(bearing(application, await token_of("ada")))
    assert (await peer.at(application).post(peer.request("ping"))).status == 401


async def test_a_state_that_was_sealed_for_one_user_is_refused_from_another(
    server: MCPServer, application: Any
) -> None:
    @server.tool
    async def confirm(ctx: Context) -> str:
        await ctx.elicit("Sure?", {"type": "object", "properties": {"yes": {"type": "boolean"}}})
        return "done"

    async def send(token: str, **more: Any) -> Any:
        capabilities = {"io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}}}
        message, headers = modern_request("tools/call", {"name": "confirm", "arguments": {}, **more}, **capabilities)
        return (await post(bearing(application, token), message, headers=headers)).json

    ada, bob = await token_of("ada"), await token_of("bob")
    asked = (await send(ada))["result"]
    (key,) = asked["inputRequests"]
    given = {"requestState": asked["requestState"], "inputResponses": {key: {"action": "accept", "content": {}}}}
    assert (await send(bob, **given))["error"]["code"] == -32602
    assert (await send(await token_of("ada", client="other"), **given))["error"]["code"] == -32602
    assert (await send(ada, **given))["result"]["content"][0]["text"] == "done"
