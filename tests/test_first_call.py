"""The first call: an official client, a tool, both eras."""

from __future__ import annotations

import pytest

from mcp_django import MCPServer
from tests.conftest import Connect

pytestmark = pytest.mark.anyio


async def test_an_official_client_calls_a_tool(server: MCPServer, connect: Connect, era: str) -> None:
    @server.tool
    async def add(a: int, b: int = 2) -> int:
        return a + b

    async with connect(era) as client:
        result = await client.call_tool("add", {"a": 1})
    assert result.structured_content == {"result": 3}
