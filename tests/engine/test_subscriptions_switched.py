"""Subscriptions to a resource that is switched off: nothing is told of it, and it looks as if it weren't there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from mcp.client.subscriptions import ResourceUpdated

from mcp_django import MCPServer
from tests.auth.test_streams import opened, token_of
from tests.auth.tokens import bearing
from tests.sessions.peer import Peer, heard, leave, listening
from tests.sessions.roads import over_stdio
from tests.sessions.switch import sessions_on

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]

UPDATED = "notifications/resources/updated"
LATEST, SECRET, UNKNOWN = "polls://latest", "polls://secret", "polls://nothing"
ERAS = ["handshake", "2026-07-28"]


@pytest.fixture(autouse=True)
def _sessions(settings: Any) -> Iterator[None]:
    with sessions_on(settings, AUTH="optional"):
        yield


@pytest.fixture(autouse=True)
def _unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MCPServer, "unread", True)


@pytest.fixture
def server(server: MCPServer) -> MCPServer:
    server.resource(LATEST, name="latest", public=True)(lambda: "the latest")
    server.resource(SECRET, name="secret", scopes=["secret"])(lambda: "a secret")
    return server


async def told(stream: Any, server: MCPServer, *uris: str) -> list[str]:
    """Let resources change, and return of which a stream has told, up to one that nobody declares."""
    before = len([event for event in stream.response.events if event.get("method") == UPDATED])
    for uri in (*uris, UNKNOWN):
        server.notify_resource_updated(uri)
    found: list[str] = []
    while UNKNOWN not in found:
        events = await heard(stream, UPDATED, times=before + len(found) + 1)
        found = [event["params"]["uri"] for event in events[before:]]
    return found[:-1]


@pytest.mark.parametrize("era", ERAS)
async def test_who_has_subscribed_hears_nothing_while_it_is_off_and_again_when_it_is_on(
    application: Any, server: MCPServer, era: str
) -> None:
    stream = await opened(application, await token_of("ada", scope="mcp"), era, LATEST, UNKNOWN)
    assert await told(stream, server, LATEST) == [LATEST]
    await server.adisable("resource", LATEST)
    assert await told(stream, server, LATEST) == []
    await server.aenable("resource", LATEST)
    assert await told(stream, server, LATEST) == [LATEST]
    await leave(stream)


@pytest.mark.parametrize("era", ERAS)
async def test_who_subscribes_while_it_is_off_hears_once_it_is_on(
    application: Any, server: MCPServer, era: str
) -> None:
    await server.adisable("resource", LATEST)
    stream = await opened(application, await token_of("ada", scope="mcp"), era, LATEST, UNKNOWN)
    assert await told(stream, server, LATEST) == []
    await server.aenable("resource", LATEST)
    assert await told(stream, server, LATEST) == [LATEST]
    await leave(stream)


@pytest.mark.parametrize("era", ERAS)
async def test_who_may_not_read_it_never_hears_though_it_was_off_when_they_subscribed(
    application: Any, server: MCPServer, era: str
) -> None:
    await server.adisable("resource", SECRET)
    stream = await opened(application, await token_of("ada", scope="mcp"), era, SECRET, UNKNOWN)
    assert await told(stream, server, SECRET) == []
    await server.aenable("resource", SECRET)
    assert await told(stream, server, SECRET) == []
    await leave(stream)


@pytest.mark.parametrize("uri", [LATEST, SECRET])
@pytest.mark.parametrize("signed_in", [True, False])
async def test_the_answer_is_that_to_what_was_never_there(
    application: Any, server: MCPServer, uri: str, signed_in: bool
) -> None:
    caller = bearing(application, await token_of("ada", scope="mcp")) if signed_in else application
    await server.adisable("resource", uri)
    peer = await Peer.open(caller)
    answers = [await peer.post(peer.request("resources/subscribe", {"uri": each}, id=7)) for each in (uri, UNKNOWN)]
    assert answers[0].json == answers[1].json
    assert answers[0].status == answers[1].status == (200 if signed_in else 401)
    said = []
    for each in (uri, UNKNOWN):
        call = listening(caller, {"resourceSubscriptions": [each]})
        (first,) = await heard(call, times=1)
        said.append(str(first).replace(each, "URI"))
        await leave(call)
    assert said[0] == said[1]


async def test_over_stdio_nothing_is_told_of_it_either(server: MCPServer) -> None:
    async with (
        over_stdio(server, mode="2026-07-28") as client,
        client.listen(resource_subscriptions=[LATEST, UNKNOWN]) as subscription,
    ):
        await server.adisable("resource", LATEST)
        for uri in (LATEST, UNKNOWN):
            server.notify_resource_updated(uri)
        assert await anext(aiter(subscription)) == ResourceUpdated(uri=UNKNOWN)
