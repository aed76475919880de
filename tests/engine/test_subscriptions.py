"""``subscriptions/listen`` of 2026-07-28; what it hears is the same for the handshake revisions."""

from __future__ import annotations

import asyncio
import json
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from mcp import Client
from mcp.client.subscriptions import PromptsListChanged, ResourcesListChanged, ResourceUpdated, ToolsListChanged

from mcp_django import MCPServer
from mcp_django.auth import ANONYMOUS
from mcp_django.engine import subscriptions
from mcp_django.engine.subscriptions import TooManyStreams, claim_stream, forward
from mcp_django.sessions.events import Event
from mcp_django.sessions.hub import get_hub
from mcp_django.sessions.listeners import Listener
from mcp_django.transports.streamable_http import StreamableHTTPConsumer
from tests.sessions.peer import begun, heard, leave, listening
from tests.sessions.roads import over_http, over_stdio
from tests.wire import JSON_HEADERS, MODERN, Call, modern_request, post

pytestmark = pytest.mark.anyio

SUBSCRIPTION_ID = "io.modelcontextprotocol/subscriptionId"
ACKNOWLEDGED = "notifications/subscriptions/acknowledged"
UPDATED = "notifications/resources/updated"
ALL = {"toolsListChanged": True, "promptsListChanged": True, "resourcesListChanged": True}


def methods(call: Call) -> list[str]:
    return [event.get("method", "result") for event in call.response.events]


@pytest.fixture
def limited(settings: Any) -> Any:
    """Change settings: ``limited(MAX_STREAMS=2)``."""

    def limited(**keys: Any) -> None:
        settings.MCP_DJANGO = {**settings.MCP_DJANGO, **keys}

    return limited


# Through the official client


def connected(server: MCPServer, road: str) -> AbstractAsyncContextManager[Client]:
    """Connect the official client in 2026-07-28."""
    if road == "stdio":
        return over_stdio(server, MODERN)
    return over_http(StreamableHTTPConsumer.as_asgi(server=server), mode=MODERN)


@pytest.mark.parametrize("road", ["http", "stdio"])
async def test_a_client_hears_of_what_it_listens_to(server: MCPServer, road: str) -> None:
    wanted: dict[str, Any] = {f"{kind}_list_changed": True for kind in ("tools", "prompts", "resources")}
    async with (
        asyncio.timeout(10),
        connected(server, road) as client,
        client.listen(**wanted, resource_subscriptions=["polls://5"]) as subscription,
    ):
        for tell, event in (
            (server.notify_tools_changed, ToolsListChanged()),
            (server.notify_prompts_changed, PromptsListChanged()),
            (server.notify_resources_changed, ResourcesListChanged()),
            (lambda: server.notify_resource_updated("polls://5"), ResourceUpdated(uri="polls://5")),
        ):
            tell()
            assert await anext(aiter(subscription)) == event


@pytest.mark.parametrize("road", ["http", "stdio"])
async def test_a_client_may_stop_listening(server: MCPServer, road: str) -> None:
    async with asyncio.timeout(10), connected(server, road) as client:
        async with client.listen(tools_list_changed=True):
            assert len(get_hub().listeners) == 1
        while len(get_hub().listeners):
            await asyncio.sleep(0.01)
        assert await client.list_tools()


async def test_two_streams_of_one_client_are_told_apart(server: MCPServer, application: Any) -> None:
    first = listening(application, {"toolsListChanged": True}, id="first")
    second = listening(application, {"toolsListChanged": True}, id="second")
    for call in (first, second):
        await heard(call, ACKNOWLEDGED)
    server.notify_tools_changed()
    for call, name in ((first, "first"), (second, "second")):
        (event,) = await heard(call, "notifications/tools/list_changed")
        assert event["params"]["_meta"] == {SUBSCRIPTION_ID: name}
    await leave(first, second)


# The filter, and what is acknowledged


@pytest.mark.parametrize(
    ("wanted", "honoured"),
    [
        ({}, {}),
        ({"toolsListChanged": True}, {"toolsListChanged": True}),
        ({"toolsListChanged": False, "promptsListChanged": True}, {"promptsListChanged": True}),
        ({"resourceSubscriptions": []}, {}),
        ({"resourceSubscriptions": ["b://", "a://", "b://"]}, {"resourceSubscriptions": ["b://", "a://"]}),
        ({**ALL, "resourceSubscriptions": ["a://"]}, {**ALL, "resourceSubscriptions": ["a://"]}),
    ],
    ids=str,
)
async def test_the_first_message_says_what_is_listened_to(
    application: Any, wanted: dict[str, Any], honoured: dict[str, Any]
) -> None:
    call = listening(application, wanted, id="seven")
    (acknowledged,) = await heard(call, ACKNOWLEDGED)
    assert acknowledged["params"] == {"notifications": honoured, "_meta": {SUBSCRIPTION_ID: "seven"}}
    assert call.response.headers["content-type"] == "text/event-stream"
    assert methods(call) == [ACKNOWLEDGED]
    await leave(call)


async def test_nothing_but_what_was_wanted_is_heard(server: MCPServer, application: Any) -> None:
    other = MCPServer("other")
    call = listening(application, {"toolsListChanged": True, "resourceSubscriptions": ["x://1"]})
    await heard(call, ACKNOWLEDGED)
    for tell in (
        server.notify_prompts_changed,
        server.notify_resources_changed,
        other.notify_tools_changed,
        lambda: server.notify_resource_updated("x://2"),
        lambda: other.notify_resource_updated("x://1"),
        lambda: server.notify_resource_updated("x://1"),
    ):
        tell()
    (updated,) = await heard(call, UPDATED)
    assert updated["params"] == {"uri": "x://1", "_meta": {SUBSCRIPTION_ID: 1}}
    assert methods(call) == [ACKNOWLEDGED, UPDATED]
    await leave(call)


async def test_a_client_listens_to_only_so_many_resources_and_is_told_which(
    application: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_django.engine.subscriptions.MAX_SUBSCRIPTIONS", 2)
    call = listening(application, {"resourceSubscriptions": ["x://1", "x://2", "x://3"]})
    (acknowledged,) = await heard(call, ACKNOWLEDGED)
    assert acknowledged["params"]["notifications"] == {"resourceSubscriptions": ["x://1", "x://2"]}
    await leave(call)


@pytest.mark.parametrize("wanted", [None, 5, {"resourceSubscriptions": "x://"}, {"toolsListChanged": "often"}])
async def test_a_filter_that_makes_no_sense_is_refused(application: Any, wanted: Any) -> None:
    message, headers = modern_request("subscriptions/listen", {"notifications": wanted})
    response = await post(application, message, headers=headers)
    assert (response.status, response.json["error"]["code"]) == (400, -32602)


async def test_a_tool_that_is_added_or_removed_is_heard_of(server: MCPServer, application: Any) -> None:
    call = listening(application, ALL)
    await heard(call, ACKNOWLEDGED)
    server.add_tool(lambda: "x", "late")
    await heard(call, "notifications/tools/list_changed")
    server.remove_tool("late")
    await heard(call, "notifications/tools/list_changed", times=2)
    server.add_prompt(lambda: "x", "late")
    await heard(call, "notifications/prompts/list_changed")
    server.add_resource("x://1", lambda: "x", "late")
    await heard(call, "notifications/resources/list_changed")
    await leave(call)


async def test_what_happens_at_once_is_told_once(server: MCPServer, application: Any) -> None:
    call = listening(application, {"resourceSubscriptions": ["x://1", "x://2"]})
    await heard(call, ACKNOWLEDGED)
    for _ in range(1000):
        server.notify_resource_updated("x://1")
        server.notify_resource_updated("x://2")
    await heard(call, UPDATED, times=2)
    server.notify_resource_updated("x://2")
    events = await heard(call, UPDATED, times=3)
    assert [event["params"]["uri"] for event in events] == ["x://1", "x://2", "x://2"]
    await leave(call)


async def test_a_client_that_stops_reading_costs_no_memory_and_misses_nothing(
    server: MCPServer, application: Any
) -> None:
    """Its connection takes nothing more: ``send`` waits until it reads again."""
    body, headers = modern_request("subscriptions/listen", {"notifications": {"resourceSubscriptions": URIS}})
    reading = asyncio.Event()
    reading.set()

    async def stuck(scope: Any, receive: Any, send: Any) -> None:
        async def slow(event: Any) -> None:
            await reading.wait()
            await send(event)

        await application(scope, receive, slow)

    call = Call(stuck, json.dumps(body).encode(), headers={**JSON_HEADERS, **headers})
    await heard(call, ACKNOWLEDGED)
    reading.clear()
    for _ in range(100):
        for uri in URIS:
            server.notify_resource_updated(uri)
        await asyncio.sleep(0)
    reading.set()
    await heard(call, UPDATED, times=len(URIS))
    await asyncio.sleep(0.1)
    told = [event["params"]["uri"] for event in call.response.events[1:]]
    assert set(told) == set(URIS)
    assert len(told) <= 2 * len(URIS)
    await leave(call)


URIS = [f"x://{number}" for number in range(20)]


# Ends and limits


async def test_a_stream_ends_with_its_client(application: Any) -> None:
    call = listening(application, ALL)
    await heard(call, ACKNOWLEDGED)
    assert len(get_hub().listeners) == 1
    await leave(call)
    assert len(get_hub().listeners) == 0


async def test_a_stream_that_has_lasted_long_enough_ends_with_its_result(application: Any, limited: Any) -> None:
    limited(STREAM_SECONDS=0.2)
    call = listening(application, ALL, id="old")
    response = await call.finished()
    assert methods(call) == [ACKNOWLEDGED, "result"]
    result = response.events[-1]
    assert (result["id"], result["result"]["_meta"][SUBSCRIPTION_ID]) == ("old", "old")
    assert result["result"]["resultType"] == "complete"


async def test_a_stream_goes_on_looking_where_timers_ring_before_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """As uvloop's do, by less than a millisecond."""
    loop, looks = asyncio.get_running_loop(), []

    def early(listener: Listener, seconds: float) -> asyncio.TimerHandle:
        loop.call_soon(listener.touch)
        return loop.call_later(3600, int)

    async def look() -> bool:
        looks.append(None)
        return len(looks) < 3

    async def notify(method: str, params: dict[str, Any]) -> None:
        raise AssertionError(method)

    monkeypatch.setattr(subscriptions, "_alarm", early)
    async with asyncio.timeout(5):
        await forward(Listener("", ["tools"], []), notify, look=look, every=1)
    assert len(looks) == 3


class Told:
    """What a stream that is forwarded has said, and the stream's end."""

    def __init__(self, *uris: str) -> None:
        self.listener = Listener("", ["tools"], uris)
        self.methods: asyncio.Queue[str] = asyncio.Queue()
        self.task = asyncio.ensure_future(forward(self.listener, self._notify))

    async def _notify(self, method: str, params: dict[str, Any]) -> None:
        self.methods.put_nowait(method.removeprefix("notifications/"))

    async def next(self) -> str:
        async with asyncio.timeout(5):
            return await self.methods.get()

    async def end(self) -> None:
        self.listener.end()
        async with asyncio.timeout(5):
            await self.task


TOOLS, READ = Event("", "tools"), Event("", "resource", "x://1")


async def test_what_happens_while_a_stream_takes_a_breath_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "BREATH_SECONDS", 0.1)
    told = Told("x://1")
    told.listener.put(TOOLS)
    assert await told.next() == "tools/list_changed"
    for event in (READ, TOOLS, READ, TOOLS):
        told.listener.put(event)
        await asyncio.sleep(0)
    assert told.methods.empty()
    assert [await told.next(), await told.next()] == ["resources/updated", "tools/list_changed"]
    await told.end()
    assert told.methods.empty()


async def test_a_stream_that_has_taken_a_breath_tells_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "BREATH_SECONDS", 0)
    told = Told()
    for _ in range(3):
        told.listener.put(TOOLS)
        assert await told.next() == "tools/list_changed"
    await told.end()


async def test_a_stream_that_ends_takes_no_breath(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "BREATH_SECONDS", 3600)
    told = Told()
    told.listener.put(TOOLS)
    assert await told.next() == "tools/list_changed"
    await asyncio.sleep(0)
    await told.end()


async def test_a_silent_stream_shows_signs_of_life(application: Any, limited: Any) -> None:
    limited(KEEP_ALIVE_SECONDS=0.05)
    call = listening(application, {})
    async with asyncio.timeout(10):
        while call.response.body.count(b": keep-alive") < 2:
            await call.sent.get()
    await leave(call)


async def test_a_process_has_only_so_many_streams(application: Any, limited: Any) -> None:
    limited(MAX_STREAMS=2)
    calls = [listening(application, ALL, id=number) for number in range(2)]
    for call in calls:
        await heard(call, ACKNOWLEDGED)
    refused = await listening(application, ALL).finished()
    assert (refused.status, refused.json["error"]["message"]) == (503, "Too many streams are open: try again later.")
    assert refused.headers["retry-after"].isdigit()
    await leave(calls.pop())
    calls.append(listening(application, ALL))
    await heard(calls[-1], ACKNOWLEDGED)
    await leave(*calls)


async def test_a_user_has_only_so_many_streams_through_a_client(limited: Any) -> None:
    limited(MAX_STREAMS_PER_USER=2)
    for _ in range(2):
        claim_stream(Listener("", (), ()), ("1", "app"))
        claim_stream(Listener("", (), ()), ("1", "other"))
    with pytest.raises(TooManyStreams, match="close one"):
        claim_stream(Listener("", (), ()), ("1", "app"))
    claim_stream(Listener("", (), ()), ("2", "app"))


async def test_nobody_s_streams_are_limited_only_by_those_of_the_process(limited: Any) -> None:
    limited(MAX_STREAMS_PER_USER=1, MAX_STREAMS=3)
    assert ANONYMOUS.account is None
    for _ in range(3):
        claim_stream(Listener("", (), ()), ("", ""))
    with pytest.raises(TooManyStreams, match="try again later"):
        claim_stream(Listener("", (), ()), ("", ""))


async def test_a_refused_stream_is_not_counted(application: Any, limited: Any) -> None:
    limited(MAX_STREAMS=1)
    call = listening(application, ALL)
    await begun(call)
    for _ in range(3):
        assert (await listening(application, ALL).finished()).status == 503
    assert len(get_hub().listeners) == 1
    await leave(call)
    assert len(get_hub().listeners) == 0
