from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent
from mcp_types.methods import CLIENT_REQUESTS
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, KNOWN_PROTOCOL_VERSIONS

from mcp_django import MCPServer, ToolError
from mcp_django.engine import dispatcher
from mcp_django.engine.dispatcher import METHODS, Answer, answer, refusal
from mcp_django.engine.exchange import MODERN, Exchange
from mcp_django.engine.server import get_engine
from mcp_django.sessions.connection import Connection

pytestmark = pytest.mark.anyio

SERVER_INFO_KEY = "io.modelcontextprotocol/serverInfo"
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
}
SECRET = "hunter2"


def exchange(server: MCPServer, method: str, params: Any = None, version: str = MODERN, **options: Any) -> Exchange:
    if version == MODERN:
        params = {**(params or {}), "_meta": ENVELOPE}
    options = {"request_id": 1, "transport": "stdio", **options}
    return Exchange(engine=get_engine(server), method=method, params=params, version=version, **options)


async def ask(server: MCPServer, method: str, params: Any = None, version: str = MODERN, **options: Any) -> Any:
    """Return the response; it must be one line of JSON, in the strict sense."""
    given = await answer(exchange(server, method, params, version, **options))
    assert b"\n" not in given.body
    message = json.loads(given.body, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert message.get("error", {"code": 0})["code"] == given.code
    return message


async def error_of(server: MCPServer, method: str, params: Any = None, version: str = MODERN) -> Any:
    return (await ask(server, method, params, version))["error"]


def serve(monkeypatch: pytest.MonkeyPatch, method: str, handler: Any) -> None:
    """Serve a method with another handler."""
    monkeypatch.setattr(dispatcher, "METHODS", {**METHODS, method: handler})


# The table


def test_every_method_of_every_revision_is_served() -> None:
    assert METHODS.keys() == {method for method, _ in CLIENT_REQUESTS}


@pytest.mark.parametrize("version", KNOWN_PROTOCOL_VERSIONS)
async def test_a_revision_gets_its_own_methods_and_no_others(server: MCPServer, version: str) -> None:
    served = {method for method, of in CLIENT_REQUESTS if of == version}
    for method in METHODS:
        error = (await ask(server, method, None, version)).get("error", {"code": 0})
        assert (error["code"] == -32601) is (method not in served), method


@pytest.mark.parametrize("version", ["2025-11-25", MODERN])
@pytest.mark.parametrize("method", ["tools/destroy", "", "notifications/initialized", "Tools/List"])
async def test_an_unknown_method_is_named_in_the_error(server: MCPServer, method: str, version: str) -> None:
    error = await error_of(server, method, None, version)
    assert error == {"code": -32601, "message": "Method not found", "data": method}


# Parameters


@pytest.mark.parametrize("version", ["2025-11-25", MODERN])
@pytest.mark.parametrize(
    ("method", "params", "field"),
    [
        ("tools/call", {}, "name"),
        ("tools/call", {"name": [SECRET]}, "name"),
        ("tools/call", {"name": "tool", "arguments": SECRET}, "arguments"),
        ("prompts/get", {"name": "prompt", "arguments": {"city": {SECRET: SECRET}}}, "arguments.city"),
        ("resources/read", {"uri": {"secret": SECRET}}, "uri"),
        ("tools/list", {"cursor": {"secret": SECRET}}, "cursor"),
        ("completion/complete", {"ref": SECRET, "argument": {"name": "a", "value": "b"}}, "ref"),
        ("completion/complete", {"ref": {"type": SECRET}, "argument": {"name": "a", "value": "b"}}, "ref"),
        ("completion/complete", {"ref": {"type": "ref/prompt", "name": "p"}, "argument": SECRET}, "argument"),
    ],
)
async def test_a_wrong_parameter_is_named_and_its_value_is_not_echoed(
    server: MCPServer, version: str, method: str, params: dict[str, Any], field: str
) -> None:
    error = await error_of(server, method, params, version)
    assert error["code"] == -32602
    assert error["message"].startswith(f"Invalid request parameters: params.{field}")
    assert SECRET not in json.dumps(error)


async def test_a_request_with_many_faults_is_told_of_five(server: MCPServer) -> None:
    arguments: Any = {f"argument{number}": [] for number in range(50)}
    error = await error_of(server, "prompts/get", {"name": "prompt", "arguments": arguments})
    assert error["message"].count(";") == 4


async def test_a_request_may_leave_params_out_where_it_needs_none(server: MCPServer) -> None:
    for method in ("ping", "tools/list", "prompts/list", "resources/list", "resources/templates/list"):
        assert "result" in await ask(server, method, None, "2025-11-25")


# Results


@pytest.mark.parametrize("request_id", [0, 7, 1753712345678, "7", "", "späť"])
async def test_the_id_comes_back_with_its_type(server: MCPServer, request_id: int | str) -> None:
    for method in ("tools/list", "tools/destroy"):
        message = await ask(server, method, request_id=request_id)
        assert (message["jsonrpc"], message["id"], type(message["id"])) == ("2.0", request_id, type(request_id))


@pytest.mark.parametrize("method", ["server/discover", "tools/list", "tools/call"])
async def test_2026_07_28_stamps_every_result(server: MCPServer, method: str) -> None:
    server.add_tool(lambda: None, "tool")
    result = (await ask(server, method, {"name": "tool"} if method == "tools/call" else None))["result"]
    assert result["resultType"] == "complete"
    assert result["_meta"] == {SERVER_INFO_KEY: {"name": "fixture", "version": "1.0"}}


@pytest.mark.parametrize("version", HANDSHAKE_PROTOCOL_VERSIONS)
async def test_a_handshake_revision_gets_no_stamp(server: MCPServer, version: str) -> None:
    server.add_tool(lambda: None, "tool")
    for method, params in (("tools/list", None), ("tools/call", {"name": "tool"})):
        result = (await ask(server, method, params, version))["result"]
        assert not result.keys() & {"_meta", "resultType", "ttlMs", "cacheScope"}


async def test_the_author_s_own_meta_stays_beside_the_stamp(server: MCPServer) -> None:
    @server.tool
    def tool() -> CallToolResult:
        return CallToolResult(content=[TextContent(text="text")], _meta={"polls/cost": 3})

    result = (await ask(server, "tools/call", {"name": "tool"}))["result"]
    assert result["_meta"]["polls/cost"] == 3
    assert result["_meta"][SERVER_INFO_KEY]["name"] == "fixture"
    result = (await ask(server, "tools/call", {"name": "tool"}, "2025-11-25"))["result"]
    assert result["_meta"] == {"polls/cost": 3}


async def test_a_result_with_a_meta_that_says_nothing_has_one_all_the_same(server: MCPServer) -> None:
    @server.tool
    def silent() -> CallToolResult:
        return CallToolResult(content=[], _meta={})

    body = (await answer(exchange(server, "tools/call", {"name": "silent"}))).body
    assert body.count(b'"_meta"') == 1
    assert json.loads(body)["result"]["_meta"] == {SERVER_INFO_KEY: {"name": "fixture", "version": "1.0"}}


async def test_a_tool_may_fail_with_half_a_character(server: MCPServer) -> None:
    @server.tool
    def read() -> None:
        raise ToolError("no file \udcff")

    result = (await ask(server, "tools/call", {"name": "read"}))["result"]
    assert (result["isError"], result["content"][0]["text"]) == (True, "no file ?")


@pytest.mark.parametrize("version", HANDSHAKE_PROTOCOL_VERSIONS)
async def test_ping_and_set_level_answer_with_nothing_at_all(server: MCPServer, version: str) -> None:
    level = {"level": "error"}
    connection = Connection(version)
    assert (await ask(server, "ping", None, version))["result"] == {}
    assert (await ask(server, "logging/setLevel", level, version, connection=connection))["result"] == {}
    assert connection.log_level == "error"
    assert (await ask(server, "logging/setLevel", level, version))["result"] == {}


async def test_a_list_is_made_once_for_a_revision(server: MCPServer) -> None:
    server.add_tool(lambda: None, "tool")
    page = await dispatcher.list_page(exchange(server, "tools/list"))
    assert await dispatcher.list_page(exchange(server, "tools/list", request_id=2)) is page
    assert await dispatcher.list_page(exchange(server, "tools/list", version="2025-11-25")) is not page


async def test_numbers_that_json_doesn_t_know_never_reach_the_wire(server: MCPServer) -> None:
    @server.tool
    def structured() -> dict[str, float]:
        return {"ratio": float("nan"), "most": float("inf")}

    @server.tool
    def unstructured() -> Any:
        return {"ratio": float("nan"), "most": float("-inf")}

    @server.tool
    def on_purpose() -> CallToolResult:
        return CallToolResult(content=[], structured_content={"ratio": float("nan")})

    assert (await ask(server, "tools/call", {"name": "structured"}))["result"]["isError"]
    text = (await ask(server, "tools/call", {"name": "unstructured"}))["result"]["content"][0]["text"]
    assert json.loads(text) == {"ratio": None, "most": None}
    assert "result" in await ask(server, "tools/call", {"name": "on_purpose"})


# What goes wrong on our side


@pytest.mark.parametrize("version", ["2025-11-25", MODERN])
async def test_a_result_that_doesn_t_fit_the_schema_is_logged_and_stays_here(
    server: MCPServer, caplog: pytest.LogCaptureFixture, version: str
) -> None:
    @server.prompt
    def prompt() -> Any:
        return {"role": "user", "content": {"type": SECRET}}

    error = await error_of(server, "prompts/get", {"name": "prompt"}, version)
    assert error == {"code": -32603, "message": "The server made an invalid result. The error was logged."}
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("mcp_django.engine.shaping", logging.ERROR)
    assert record.getMessage() == "The result of prompts/get prompt doesn't fit the schema."
    assert record.exc_info


async def test_a_crash_of_our_own_is_logged_and_tells_nothing(
    server: MCPServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def crash(exchange: Exchange) -> dict[str, Any]:
        raise RuntimeError(SECRET)

    serve(monkeypatch, "tools/list", crash)
    assert await error_of(server, "tools/list") == {"code": -32603, "message": "Internal server error"}
    (record,) = caplog.records
    assert record.getMessage() == "Answering tools/list failed."
    assert SECRET in caplog.text


async def test_a_protocol_error_raised_on_purpose_reaches_the_client_whole(server: MCPServer) -> None:
    @server.tool
    def tool() -> None:
        raise MCPError(-32001, "Not today", {"retry": 5, "of": object})

    error = await error_of(server, "tools/call", {"name": "tool"})
    assert error == {"code": -32001, "message": "Not today", "data": {"retry": 5, "of": "<class 'object'>"}}


class Shy:
    def __str__(self) -> str:
        raise RuntimeError("I have no words")


CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)


@pytest.mark.parametrize(
    "data",
    [float("nan"), "caf\udce9", {"caf\udce9": float("inf")}, b"\xff", Shy(), CIRCLE, {(1, 2): 3}, {Shy(): 1}],
    ids=["nan", "surrogate", "both", "bytes", "shy", "circle", "key", "shy key"],
)
async def test_an_error_with_data_that_json_can_t_hold_is_answered_all_the_same(server: MCPServer, data: Any) -> None:
    @server.tool
    def tool() -> None:
        raise MCPError(-32001, "Not today: caf\udce9.txt", data)

    assert "error" in await ask(server, "tools/call", {"name": "tool"})


@pytest.mark.parametrize("version", ["2025-11-25", MODERN])
async def test_a_result_that_utf_8_can_t_hold_is_answered_all_the_same(server: MCPServer, version: str) -> None:
    @server.tool
    def tool() -> str:
        return "caf\udce9.txt"

    message = await ask(server, "tools/call", {"name": "tool"}, version)
    assert "error" in message or message["result"]["isError"]


async def test_a_cancelled_request_has_no_answer(server: MCPServer) -> None:
    began = asyncio.Event()

    @server.tool
    async def tool() -> None:
        began.set()
        await asyncio.Event().wait()

    call = exchange(server, "tools/call", {"name": "tool"})
    task = asyncio.ensure_future(answer(call))
    async with asyncio.timeout(5):
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert call.cancelled


# The parts


def test_a_refusal_is_an_error_response() -> None:
    assert refusal(None, -32700, "no") == Answer(
        b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no"}}', -32700
    )
    assert json.loads(refusal("a", -32600, "no", {"n": [1]}).body) == {
        "jsonrpc": "2.0",
        "id": "a",
        "error": {"code": -32600, "message": "no", "data": {"n": [1]}},
    }
