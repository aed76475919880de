"""Django's own ``TestCase``: its transaction is visible to tools of both kinds, and rolled back after them."""

from __future__ import annotations

from typing import Any

import httpx2
from django.contrib.auth.models import User
from django.test import TestCase
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from pydantic import BaseModel

from mcp_django import MCPServer
from mcp_django.transports.streamable_http import StreamableHTTPConsumer


class Person(BaseModel):
    username: str


class TestCaseTransactions(TestCase):
    def setUp(self) -> None:
        User.objects.create(username="ada")
        self.server = MCPServer("test-case")

        @self.server.tool
        def sync_tool() -> list[Person]:
            User.objects.create(username="sync")
            return User.objects.all()  # type: ignore[return-value]

        @self.server.tool
        async def async_tool() -> list[Person]:
            await User.objects.acreate(username="async")
            return User.objects.all()  # type: ignore[return-value]

    async def call(self, tool: str) -> Any:
        road = httpx2.ASGITransport(app=StreamableHTTPConsumer.as_asgi(server=self.server))
        async with (
            httpx2.AsyncClient(transport=road, base_url="http://testserver") as http,
            Client(streamable_http_client("http://testserver/mcp", http_client=http)) as client,
        ):
            result = await client.call_tool(tool, {})
        return result.structured_content

    async def test_a_sync_tool_sees_the_transaction_of_the_test(self) -> None:
        found = await self.call("sync_tool")
        assert found == {"result": [{"username": "ada"}, {"username": "sync"}]}

    async def test_an_async_tool_sees_the_transaction_of_the_test(self) -> None:
        found = await self.call("async_tool")
        assert found == {"result": [{"username": "ada"}, {"username": "async"}]}
        assert await User.objects.filter(username="async").aexists()
