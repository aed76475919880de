"""``tools/call``."""

from __future__ import annotations

from base64 import b64encode
from typing import Annotated, Any

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel, Field

from mcp_django import MCPServer
from tests.conftest import Connect
from tests.wire import modern_request, post, request

pytestmark = pytest.mark.anyio


class Receipt(BaseModel):
    choice: int
    comment: str = ""


def vote(choice: int, comment: str = "") -> Receipt:
    return Receipt(choice=choice, comment=comment)


def nothing() -> None: ...


@pytest.fixture
def polls(server: MCPServer) -> MCPServer:
    server.add_tool(vote)
    server.add_tool(nothing)
    return server


async def call(application: Any, params: dict[str, Any], headers: dict[str, str | None] | None = None) -> Any:
    message, given = modern_request("tools/call", params)
    return await post(application, message, headers={**given, **(headers or {})})


async def test_a_call_is_answered_with_text_and_structure(polls: MCPServer, connect: Connect, era: str) -> None:
    async with connect(era) as client:
        result = await client.call_tool("vote", {"choice": 3})
    assert result.structured_content == {"choice": 3, "comment": ""}
    assert [block.type for block in result.content] == ["text"]
    assert not result.is_error


@pytest.mark.parametrize("params", [{"name": "nothing"}, {"name": "nothing", "arguments": {}}])
async def test_a_tool_without_parameters_needs_no_arguments(
    polls: MCPServer, application: Any, params: dict[str, Any]
) -> None:
    assert (await call(application, params)).json["result"]["isError"] is False
    legacy = await post(application, request("tools/call", params))
    assert legacy.json["result"]["isError"] is False


async def test_an_unknown_tool_is_invalid_params_in_both_eras(polls: MCPServer, connect: Connect, era: str) -> None:
    async with connect(era) as client:
        with pytest.raises(MCPError) as refused:
            await client.call_tool("missing", {})
    assert (refused.value.code, refused.value.message) == (-32602, "Unknown tool: missing")


async def test_wrong_arguments_are_a_result_that_the_model_can_read(
    polls: MCPServer, connect: Connect, era: str
) -> None:
    async with connect(era) as client:
        result = await client.call_tool("vote", {"choise": 3})
    assert result.is_error
    assert result.content[0].text == (  # type: ignore[union-attr]
        "Invalid arguments: choice: is required; choise: there is no such argument; known arguments: choice, comment."
    )


@pytest.mark.parametrize("arguments", [[1], "x", 5])
async def test_arguments_that_are_no_object_are_invalid_params(
    polls: MCPServer, application: Any, arguments: Any
) -> None:
    answer = (await call(application, {"name": "vote", "arguments": arguments})).json
    assert answer["error"]["code"] == -32602
    assert "arguments" in answer["error"]["message"]


async def test_a_name_that_is_no_string_is_invalid_params(polls: MCPServer, application: Any) -> None:
    answer = (await post(application, request("tools/call", {"name": 5}))).json
    assert answer["error"]["code"] == -32602


async def test_a_ready_result_reaches_the_client_as_it_is(server: MCPServer, connect: Connect, era: str) -> None:
    @server.tool
    def ready() -> Annotated[CallToolResult, Receipt]:
        return CallToolResult(content=[TextContent(type="text", text="done")], structured_content={"choice": 1})

    async with connect(era) as client:
        (tool,) = (await client.list_tools()).tools
        result = await client.call_tool("ready", {})
    assert (tool.output_schema or {})["required"] == ["choice"]
    assert (result.content[0].text, result.structured_content) == ("done", {"choice": 1})  # type: ignore[union-attr]


# Mirrored arguments


@pytest.fixture
def mirrored(server: MCPServer) -> MCPServer:
    @server.tool
    def near(region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})] = "here") -> str:
        return region

    return server


def encoded(value: str) -> str:
    return f"=?base64?{b64encode(value.encode()).decode()}?="


@pytest.mark.parametrize(
    ("arguments", "header"),
    [
        ({"region": "EU"}, "EU"),
        ({"region": "EU"}, encoded("EU")),
        ({"region": "Zürich"}, encoded("Zürich")),
        ({}, None),
        ({"region": "=?base64?"}, encoded("=?base64?")),
    ],
)
async def test_a_header_that_agrees_with_its_argument_lets_the_call_through(
    mirrored: MCPServer, application: Any, arguments: dict[str, str], header: str | None
) -> None:
    response = await call(application, {"name": "near", "arguments": arguments}, {"mcp-param-region": header})
    assert response.status == 200
    assert response.json["result"]["structuredContent"] == {"result": arguments.get("region", "here")}


@pytest.mark.parametrize(
    ("arguments", "header"),
    [
        ({"region": "EU"}, "AS"),
        ({"region": "EU"}, None),
        ({"region": "EU"}, encoded("AS")),
        ({"region": "Hello"}, "=?base64?SGVsbG8?="),
        ({"region": "Hello"}, "=?base64?SGVs!!!bG8=?="),
        ({}, "EU"),
    ],
)
async def test_a_header_that_disagrees_with_its_argument_is_refused(
    mirrored: MCPServer, application: Any, arguments: dict[str, str], header: str | None
) -> None:
    response = await call(application, {"name": "near", "arguments": arguments}, {"mcp-param-region": header})
    assert (response.status, response.json["error"]["code"]) == (400, -32020)


async def test_a_handshake_client_mirrors_nothing(mirrored: MCPServer, application: Any) -> None:
    message = request("tools/call", {"name": "near", "arguments": {"region": "EU"}})
    response = await post(application, message, headers={"mcp-param-region": "AS"})
    assert response.json["result"]["structuredContent"] == {"result": "EU"}


async def test_the_official_client_mirrors_by_itself(mirrored: MCPServer, connect: Connect, era: str) -> None:
    async with connect(era) as client:
        await client.list_tools()
        result = await client.call_tool("near", {"region": "EU"})
    assert result.structured_content == {"result": "EU"}
