"""Clients that use a server through its ASGI application, so that there is something to see."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync
from django.contrib.auth.models import User

from mcp_django import Context, MCPServer, ToolError
from mcp_django.activity import flush
from mcp_django.models import Call
from tests.auth.tokens import make_token, make_user
from tests.wire import Response, modern_request, post

INFO = "io.modelcontextprotocol/clientInfo"


class Agents:
    """Sends requests of 2026-07-28, each with a token of its own, and writes down what is recorded of them."""

    def __init__(self, application: Any) -> None:
        self._application = application

    def send(
        self,
        method: str,
        params: dict[str, Any] | None = None,
        *,
        user: str | User = "ada",
        client: str = "editor",
        name: str = "Claude",
        version: str = "1.0",
    ) -> Response:
        message, headers = modern_request(method, params, **{INFO: {"name": name, "version": version}})
        token = make_token(make_user(user) if isinstance(user, str) else user, client=client)
        return async_to_sync(self._post)(message, {**headers, "authorization": f"Bearer {token}"})

    def call(self, tool: str, **options: Any) -> Response:
        return self.send("tools/call", {"name": tool, "arguments": {}}, **options)

    def written(self) -> list[Call]:
        """Write down what was recorded, and return all of it."""
        flush()
        return list(Call.objects.order_by("pk"))

    async def _post(self, message: Any, headers: dict[str, str | None]) -> Response:
        return await post(self._application, message, headers=headers)


def declare(server: MCPServer) -> None:
    """Declare something of each kind, with every outcome."""

    @server.tool
    def search() -> str:
        return "found"

    @server.tool
    def fail() -> str:
        raise ToolError("no")

    @server.tool(throttle="1/h")
    def rare(ctx: Context) -> str:
        return ctx.client_id or ""

    @server.resource("notes://all")
    def notes() -> str:
        raise ZeroDivisionError

    @server.prompt
    def hello() -> str:
        return "Hello."
