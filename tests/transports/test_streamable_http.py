from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from django.test import override_settings
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from mcp_django import Context, MCPServer
from mcp_django.engine import clock
from mcp_django.transports import streamable_http
from mcp_django.transports import watch as watching
from mcp_django.transports.watch import stop_watched
from tests.conftest import Connect
from tests.wire import JSON_HEADERS, MODERN, Call, Response, modern_request, post, request

pytestmark = pytest.mark.anyio

VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
CALL = request("tools/call", {"name": "tool"})
MODERN_CALL, MODERN_HEADERS = modern_request("tools/call", {"name": "tool"})
TALKS: Any = {"progressToken": 1}
CLIENT = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}


class Tool:
    """A tool that waits until it is told to go on."""

    def __init__(self, server: MCPServer) -> None:
        self.began, self.go_on, self.over = asyncio.Event(), asyncio.Event(), asyncio.Event()
        server.add_tool(self._wait, "tool")

    async def _wait(self, ctx: Context) -> str:
        self.began.set()
        try:
            await ctx.report_progress(1)
            await self.go_on.wait()
        finally:
            self.over.set()
        return "done"


def begin(application: Any, message: Any = CALL, headers: dict[str, str] | None = None, **meta: Any) -> Call:
    """Begin a call without waiting for its end."""
    if meta:
        message = {**message, "params": {**message["params"], "_meta": {**message["params"].get("_meta", {}), **meta}}}
    return Call(application, json.dumps(message).encode(), headers={**JSON_HEADERS, **(headers or {})})


async def next_sent(call: Call) -> dict[str, Any]:
    async with asyncio.timeout(5):
        return await call.sent.get()


async def heard(event: asyncio.Event) -> None:
    async with asyncio.timeout(5):
        await event.wait()


async def until_watched() -> None:
    async with asyncio.timeout(5):
        while not watching._watched:
            await asyncio.sleep(0.001)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Watch every call that doesn't end in the loop's next turn."""
    monkeypatch.setattr(clock, "TICK_SECONDS", 0)


# The two forms of an answer


async def test_a_function_that_says_nothing_is_answered_with_json(server: MCPServer, application: Any) -> None:
    @server.tool
    async def tool(ctx: Context) -> str:
        await ctx.report_progress(1)
        await ctx.debug("quiet")
        return "done"

    for message, headers in ((CALL, {}), (MODERN_CALL, MODERN_HEADERS)):
        response = await post(application, message, headers=headers)
        length = str(len(response.body))
        assert (response.status, response.json["id"]) == (200, 1)
        assert response.headers == {"content-type": "application/json", "content-length": length}


@pytest.mark.parametrize(("message", "headers"), [(CALL, {}), (MODERN_CALL, MODERN_HEADERS)], ids=["legacy", "modern"])
async def test_a_function_that_speaks_is_answered_with_a_stream_that_begins_at_once(
    server: MCPServer, application: Any, message: Any, headers: dict[str, str]
) -> None:
    tool = Tool(server)
    call = begin(application, message, headers, **TALKS)
    await heard(tool.began)
    start, first = await next_sent(call), await next_sent(call)
    assert start["status"] == 200
    assert call.response.headers == {
        "content-type": "text/event-stream",
        "cache-control": "no-cache, no-transform",
        "x-accel-buffering": "no",
    }
    assert first["more_body"]
    tool.go_on.set()
    response = await call.finished()
    progress, result = response.events
    assert (progress["method"], progress["params"]) == ("notifications/progress", {"progressToken": 1, "progress": 1})
    assert result["result"]["content"] == [{"type": "text", "text": "done"}]
    frames = response.body.decode().removesuffix("\r\n\r\n").split("\r\n\r\n")
    assert [frame.split("\r\n")[0] for frame in frames] == ["event: message"] * 2
    assert [len(frame.split("\r\n")) for frame in frames] == [2, 2]


@override_settings(MCP_DJANGO={"AUTH": "none", "KEEP_ALIVE_SECONDS": 0.01})
async def test_a_long_silence_is_filled_with_comments(server: MCPServer, application: Any) -> None:
    tool = Tool(server)
    call = begin(application)
    events = [await next_sent(call) for _ in range(3)]
    assert [event.get("body") for event in events] == [None, b": keep-alive\r\n\r\n", b": keep-alive\r\n\r\n"]
    tool.go_on.set()
    response = await call.finished()
    assert response.headers["content-type"] == "text/event-stream"
    (result,) = response.events
    assert result["result"]["content"] == [{"type": "text", "text": "done"}]


async def test_an_error_after_the_function_has_spoken_goes_on_the_stream(server: MCPServer, application: Any) -> None:
    @server.prompt
    async def prompt(ctx: Context) -> str:
        await ctx.report_progress(1)
        raise ValueError

    message, headers = modern_request("prompts/get", {"name": "prompt"}, **TALKS)
    response = await post(application, message, headers=headers)
    assert response.status == 200
    assert response.events[-1]["error"]["code"] == -32603


@pytest.mark.parametrize("meta", [{}, TALKS], ids=["json", "stream"])
async def test_a_task_that_a_function_leaves_behind_speaks_to_nobody(
    server: MCPServer, application: Any, meta: dict[str, Any]
) -> None:
    go_on, left_behind = asyncio.Event(), []

    @server.tool
    async def tool(ctx: Context) -> None:
        async def go_on_talking() -> None:
            await go_on.wait()
            await ctx.error("late")
            await ctx.report_progress(2)

        await ctx.report_progress(1)
        left_behind.append(asyncio.ensure_future(go_on_talking()))

    call = begin(application, **meta)
    before = (await call.finished()).body
    go_on.set()
    async with asyncio.timeout(5):
        await asyncio.gather(*left_behind)
    assert call.response.body == before


async def test_requests_are_served_side_by_side(server: MCPServer, application: Any) -> None:
    together = asyncio.Barrier(3)

    @server.tool
    async def tool() -> None:
        await together.wait()

    responses = await asyncio.gather(*(begin(application).finished() for _ in range(3)))
    assert [response.status for response in responses] == [200] * 3


# Clients that leave, servers that stop


@pytest.mark.parametrize("chunks", [[], [b'{"jsonrpc":'], [json.dumps(CALL).encode(), b""]])
async def test_a_client_that_leaves_before_its_request_is_complete_gets_nothing(
    application: Any, chunks: list[bytes]
) -> None:
    call = Call(application, headers=JSON_HEADERS, chunks=[])
    for chunk in chunks:
        call._incoming.put_nowait({"type": "http.request", "body": chunk, "more_body": True})
    call.disconnect()
    await call.finished()
    assert call.sent.empty()


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("meta", [{}, TALKS], ids=["json", "stream"])
@pytest.mark.parametrize(("message", "headers"), [(CALL, {}), (MODERN_CALL, MODERN_HEADERS)], ids=["legacy", "modern"])
async def test_a_client_that_leaves_cancels_its_call_and_is_sent_no_more(
    server: MCPServer, application: Any, message: Any, headers: dict[str, str], meta: dict[str, Any]
) -> None:
    tool = Tool(server)
    call = begin(application, message, headers, **meta)
    await heard(tool.began)
    call.disconnect()
    await heard(tool.over)
    await call.finished()
    assert len(call.response.events) == (1 if meta else 0)
    assert not watching._watched


async def test_a_client_may_leave_after_its_answer(server: MCPServer, application: Any) -> None:
    before = asyncio.all_tasks()
    call = begin(application, request("ping"))
    call.disconnect()
    assert (await call.finished()).json["result"] == {}
    assert asyncio.all_tasks() == before


async def test_a_quick_call_is_not_watched(
    server: MCPServer, application: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "TICK_SECONDS", 60)
    seen: list[set[Any]] = []

    @server.tool
    async def tool() -> None:
        await asyncio.sleep(0)
        seen.append(asyncio.all_tasks())

    before = asyncio.all_tasks()
    call = begin(application)
    await call.finished()
    assert seen == [before | {call.task}]


@pytest.mark.usefixtures("at_once")
async def test_a_server_that_stops_says_so(server: MCPServer, application: Any) -> None:
    tool = Tool(server)
    call = begin(application, MODERN_CALL, MODERN_HEADERS)
    await heard(tool.began)
    await until_watched()
    stop_watched()
    response = await call.finished()
    assert tool.over.is_set()
    assert (response.status, response.headers["content-type"]) == (503, "application/json")
    assert response.json["id"] == 1
    assert response.json["error"]["message"] == "The server is stopping: try again."


@pytest.mark.usefixtures("at_once")
async def test_a_server_that_stops_ends_its_streams(server: MCPServer, application: Any) -> None:
    tool = Tool(server)
    call = begin(application, **TALKS)
    await heard(tool.began)
    await until_watched()
    stop_watched()
    response = await call.finished()
    assert response.status == 200
    assert response.events[-1]["error"]["message"] == "The server is stopping: try again."
    assert "more_body" not in [call.sent.get_nowait() for _ in range(call.sent.qsize())][-1]


@pytest.mark.usefixtures("at_once")
async def test_a_server_that_stops_waits_for_no_body(application: Any) -> None:
    """uvicorn waits for every request that is under way, and a client may take for ever to send one."""
    call = Call(application, headers=JSON_HEADERS, chunks=[])
    call._incoming.put_nowait({"type": "http.request", "body": b"{", "more_body": True})
    await asyncio.sleep(0.01)
    stop_watched()
    response = await call.finished(2)
    assert (response.status, response.json["id"]) == (503, None)


@pytest.mark.parametrize("watched", [False, True])
async def test_a_server_that_cancels_the_application_is_obeyed(
    server: MCPServer, application: Any, monkeypatch: pytest.MonkeyPatch, watched: bool
) -> None:
    monkeypatch.setattr(clock, "TICK_SECONDS", 0 if watched else 60)
    tool = Tool(server)
    call = begin(application)
    await heard(tool.began)
    if watched:
        await until_watched()
    call.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call.finished()
    assert tool.over.is_set()
    assert call.sent.empty()
    assert not watching._watched


# Bodies


async def test_a_body_may_come_in_pieces(application: Any) -> None:
    body = json.dumps(request("ping")).encode()
    chunks = [bytes([each]) for each in body] + [b""]
    assert (await Call(application, headers=JSON_HEADERS, chunks=chunks).finished()).json["result"] == {}


@override_settings(MCP_DJANGO={"AUTH": "none", "MAX_BODY_BYTES": 100})
async def test_a_body_of_unknown_length_is_refused_when_it_grows_too_large(application: Any) -> None:
    body = json.dumps(request("ping")).encode()
    fits = body + b" " * (100 - len(body))
    for last, status in ((b"", 200), (b" ", 413)):
        call = Call(application, headers=JSON_HEADERS, chunks=[fits[:50], fits[50:], last, b""])
        assert (await call.finished()).status == status


# Two eras, one URL


AGREEING = request("tools/call", {"name": "tool", "_meta": {VERSION_KEY: "2025-06-18"}})


@pytest.mark.parametrize(
    ("message", "header", "served"),
    [(CALL, version, version) for version in HANDSHAKE_PROTOCOL_VERSIONS]
    + [(CALL, None, "2025-03-26"), (MODERN_CALL, MODERN, MODERN), (AGREEING, "2025-06-18", "2025-06-18")],
)
async def test_a_request_is_served_in_the_revision_of_its_header_and_without_one_in_2025_03_26(
    server: MCPServer, application: Any, message: Any, header: str | None, served: str
) -> None:
    @server.tool
    async def tool(ctx: Context) -> str:
        return ctx.protocol_version

    response = await post(application, message, headers={**MODERN_HEADERS, "mcp-protocol-version": header})
    assert response.json["result"]["content"][0]["text"] == served


ENVELOPE = MODERN_CALL["params"]["_meta"]


@pytest.mark.parametrize(
    ("header", "envelope", "code"),
    [
        (None, {VERSION_KEY: MODERN}, -32602),
        (None, ENVELOPE, -32020),
        ("2025-11-25", ENVELOPE, -32020),
        (MODERN, {}, -32602),
        (MODERN, {**ENVELOPE, VERSION_KEY: "2025-11-25"}, -32020),
        (MODERN, {**ENVELOPE, VERSION_KEY: None}, -32020),
        ("2030-01-01", {**ENVELOPE, VERSION_KEY: "2030-01-01"}, -32022),
        ("2030-01-01", ENVELOPE, -32020),
        ("nonsense", {}, -32602),
        ("", {}, -32602),
    ],
)
async def test_a_header_and_an_envelope_that_disagree_are_refused(
    server: MCPServer, application: Any, header: str | None, envelope: dict[str, Any], code: int
) -> None:
    server.add_tool(lambda: None, "tool")
    message = {**CALL, "params": {"name": "tool", "_meta": envelope}}
    response = await post(application, message, headers={**MODERN_HEADERS, "mcp-protocol-version": header})
    assert (response.status, response.json["error"]["code"], response.json["id"]) == (400, code, 1)


async def test_an_unsupported_revision_is_told_the_supported_ones(server: MCPServer, application: Any) -> None:
    version: Any = {VERSION_KEY: "2030-01-01"}
    message, headers = modern_request("tools/list", **version)
    response = await post(application, message, headers={**headers, "mcp-protocol-version": "2030-01-01"})
    assert response.json["error"]["data"] == {"supported": [MODERN], "requested": "2030-01-01"}


@pytest.mark.parametrize("envelope", [{}, ENVELOPE])
@pytest.mark.parametrize("header", [None, "2025-11-25", "2024-11-05"])
async def test_initialize_is_a_handshake_whatever_it_carries(
    application: Any, header: str | None, envelope: dict[str, Any]
) -> None:
    message = request("initialize", {**CLIENT, "_meta": envelope})
    response = await post(application, message, headers={"mcp-protocol-version": header})
    assert response.json["result"]["protocolVersion"] == "2025-06-18"
    assert "mcp-session-id" not in response.headers


async def test_initialize_under_the_header_of_2026_07_28_is_no_method(application: Any) -> None:
    message, headers = modern_request("initialize", CLIENT)
    response = await post(application, message, headers=headers)
    assert (response.status, response.json["error"]["code"]) == (404, -32601)


async def test_both_eras_share_the_url(server: MCPServer, connect: Connect) -> None:
    server.add_tool(lambda: "hello", "tool")
    async with connect("legacy") as old, connect(MODERN) as new:
        for client in (old, new, old):
            result = await client.call_tool("tool", {})
            assert result.content[0].text == "hello"  # type: ignore[union-attr]


# What wants no answer


@pytest.mark.parametrize("header", [None, "2025-11-25", MODERN])
@pytest.mark.parametrize("method", ["notifications/initialized", "notifications/cancelled", "notifications/unheard"])
async def test_a_notification_is_accepted(application: Any, method: str, header: str | None) -> None:
    response = await post(application, {"jsonrpc": "2.0", "method": method}, headers={"mcp-protocol-version": header})
    assert (response.status, response.body) == (202, b"")
    assert "content-type" not in response.headers


async def test_a_notification_of_an_unknown_revision_is_refused(application: Any) -> None:
    message = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    response = await post(application, message, headers={"mcp-protocol-version": "2030-01-01"})
    assert (response.status, response.json["error"]["code"], response.json["id"]) == (400, -32022, None)


@pytest.mark.parametrize("outcome", [{"result": {}}, {"error": {"code": 1, "message": "no"}}])
async def test_a_client_s_response_is_accepted_in_the_handshake_era_alone(
    application: Any, outcome: dict[str, Any]
) -> None:
    message = {"jsonrpc": "2.0", "id": 1, **outcome}
    assert (await post(application, message)).status == 202
    response = await post(application, message, headers={"mcp-protocol-version": MODERN})
    assert (response.status, response.json["error"]["code"]) == (400, -32600)


# Errors


@pytest.mark.parametrize(
    ("method", "params", "code", "status"),
    [
        ("tools/destroy", {}, -32601, 404),
        ("tools/call", {"name": 1}, -32602, 400),
        ("tools/call", {"name": "nothing"}, -32602, 400),
        ("prompts/get", {"name": "crash"}, -32603, 200),
    ],
)
async def test_only_2026_07_28_tells_an_error_by_the_status(
    server: MCPServer, application: Any, method: str, params: dict[str, Any], code: int, status: int
) -> None:
    server.add_prompt(lambda: 1 / 0, "crash")
    message, headers = modern_request(method, params)
    headers["mcp-name"] = str(params.get("name", ""))
    if params.get("name") == 1:
        del message["params"]["name"]
    new = await post(application, message, headers=headers)
    old = await post(application, request(method, params))
    assert (new.status, new.json["error"]["code"]) == (status, code)
    assert (old.status, old.json["error"]["code"]) == (200, code)


async def test_what_is_no_message_is_answered_without_an_id(application: Any) -> None:
    response = await post(application, None, raw=b"{")
    assert (response.status, response.json["id"], response.json["error"]["code"]) == (400, None, -32700)
    response = await post(application, [])
    assert (response.status, response.json["id"], response.json["error"]["code"]) == (400, None, -32600)


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
@pytest.mark.parametrize("headers", [{}, {"mcp-session-id": "1", "mcp-protocol-version": MODERN}])
async def test_without_a_session_there_is_nothing_but_posting(
    application: Any, method: str, headers: dict[str, str]
) -> None:
    response = await Call(application, method=method, headers={**JSON_HEADERS, **headers}).finished()
    assert (response.status, response.headers["allow"]) == (405, "POST")


@pytest.mark.django_db(transaction=True)
@override_settings(MCP_DJANGO={"AUTH": "none", "SESSIONS": True})
async def test_a_session_has_a_stream_of_its_own_until_its_end(server: MCPServer, application: Any) -> None:
    session = {"mcp-session-id": (await post(application, request("initialize", CLIENT))).headers["mcp-session-id"]}
    stream = Call(application, method="GET", headers={**JSON_HEADERS, **session})
    events = [await next_sent(stream) for _ in range(2)]
    assert (events[0]["status"], events[1]["body"]) == (200, b": open\r\n\r\n")
    server.add_tool(lambda: None, "tool")
    assert b"notifications/tools/list_changed" in (await next_sent(stream))["body"]
    assert (await Call(application, method="DELETE", headers={**JSON_HEADERS, **session}).finished()).status == 204
    assert not (await stream.finished()).events[1:]
    for method in ("GET", "DELETE", "POST"):
        call = Call(application, json.dumps(CALL).encode(), method=method, headers={**JSON_HEADERS, **session})
        assert (await call.finished()).status == 404


async def test_a_crash_of_our_own_is_logged_and_tells_nothing(
    application: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def crash(exchange: Any) -> Any:
        raise RuntimeError("hunter2")

    monkeypatch.setattr(streamable_http, "answer", crash)
    message, headers = modern_request("tools/list")
    response: Response = await post(application, message, headers=headers)
    assert (response.status, response.json["error"]["code"]) == (500, -32603)
    assert b"hunter2" not in response.body
    assert "hunter2" in caplog.text


# Who is refused before anything is read (transports, Security Warning: DNS rebinding)


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("host", "evil.example", 421),
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("origin", "http://testserver.evil.example", 403),
    ],
)
async def test_a_page_of_somebody_elses_reaches_nothing(
    server: MCPServer, application: Any, method: str, name: str, value: str, status: int
) -> None:
    tool = Tool(server)
    headers = {**JSON_HEADERS, name: value}
    response = await Call(application, json.dumps(CALL).encode(), method=method, headers=headers).finished()
    assert response.status == status
    assert not tool.began.is_set()


async def test_programs_have_no_origin_and_our_own_pages_have_ours(application: Any) -> None:
    assert (await post(application, request("ping"))).status == 200
    assert (await post(application, request("ping"), headers={"origin": "http://testserver"})).status == 200
