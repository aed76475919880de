"""A client of the HTTP+SSE transport, spoken for message by message, and what it hears."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from tests.sessions.peer import EVERYTHING, begun, leave, until
from tests.wire import JSON_HEADERS, Call, Response, post, request

VERSION = "2024-11-05"
PATH = "/mcp/fixture/sse"


class SSEPeer:
    """A client whose stream is open."""

    def __init__(self, application: Any, stream: Call) -> None:
        self.application, self.stream = application, stream
        self._id = 100

    @classmethod
    async def open(cls, application: Any, path: str = PATH, **headers: str) -> SSEPeer:
        """Open a stream, and wait until it has named the address to post to."""
        stream = get(application, path, **headers)
        await begun(stream)
        assert (stream.response.status, stream.response.body[:15]) == (200, b"event: endpoint"), stream.response
        return cls(application, stream)

    @classmethod
    async def greeted(
        cls, application: Any, capabilities: Mapping[str, Any] = EVERYTHING, version: str = VERSION
    ) -> SSEPeer:
        """Open a stream, and shake hands."""
        peer = await cls.open(application)
        await peer.shake_hands(capabilities, version)
        return peer

    @property
    def address(self) -> str:
        """Where it posts: path and query."""
        return self.stream.response.body.decode().split("\r\n")[1].removeprefix("data: ")

    @property
    def session(self) -> str:
        return self.address.partition("session_id=")[2]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What has come over the stream, after the address."""
        events = self.stream.response.body.decode().split("\r\n\r\n")
        marked = [each.removeprefix("event: message\r\ndata: ") for each in events if "event: message" in each]
        return [json.loads(each) for each in marked]

    async def post(self, message: Any = None, application: Any = None, **options: Any) -> Response:
        """Post whatever it is, perhaps to another worker."""
        return await post(application or self.application, message, **{"path": self.address, **options})

    async def tell(self, method: str, application: Any = None, **params: Any) -> None:
        """Post a notification."""
        response = await self.post({"jsonrpc": "2.0", "method": method, "params": params}, application)
        assert response.status == 202, response

    async def start(
        self, method: str, params: Mapping[str, Any] | None = None, application: Any = None, **options: Any
    ) -> int | str:
        """Post a request, and return its id."""
        self._id += 1
        message = request(method, dict(params or {}), **{"id": self._id, **options})
        response = await self.post(message, application)
        assert (response.status, response.body) == (202, b""), response
        request_id: int | str = message["id"]
        return request_id

    async def response_to(self, request_id: int | str) -> dict[str, Any]:
        """Wait for the response to a request."""

        def found() -> list[dict[str, Any]]:
            return [each for each in self.messages if "method" not in each and each["id"] == request_id]

        await until(self.stream, lambda: bool(found()))
        return found()[-1]

    async def ask(self, method: str, params: Mapping[str, Any] | None = None, application: Any = None) -> Any:
        """Return the result of a request."""
        response = await self.response_to(await self.start(method, params, application))
        assert "result" in response, response
        return response["result"]

    async def call(self, tool: str, application: Any = None, **arguments: Any) -> str:
        """Return the text that a tool answers."""
        result = await self.ask("tools/call", {"name": tool, "arguments": arguments}, application)
        text: str = result["content"][0]["text"]
        return text

    async def begin(self, tool: str, application: Any = None, **options: Any) -> int | str:
        """Call a tool that speaks before it is done, and return the request's id when it has spoken."""
        before = len(self.heard("notifications/message"))
        request_id = await self.start("tools/call", {"name": tool, "arguments": {}}, application, **options)
        await self.hear("notifications/message", times=before + 1)
        return request_id

    def heard(self, method: str) -> list[dict[str, Any]]:
        """Return what has come of a method."""
        return [each for each in self.messages if each.get("method") == method]

    async def hear(self, method: str, times: int = 1) -> dict[str, Any]:
        """Wait for the n-th message of a method, and return it."""
        await until(self.stream, lambda: len(self.heard(method)) >= times)
        return self.heard(method)[times - 1]

    async def shake_hands(self, capabilities: Mapping[str, Any] = EVERYTHING, version: str = VERSION) -> Any:
        """Send ``initialize``, and return its result."""
        info = {"name": "peer", "version": "1"}
        return await self.ask(
            "initialize", {"protocolVersion": version, "capabilities": dict(capabilities), "clientInfo": info}
        )

    async def ended(self) -> None:
        """Wait until the stream has ended by itself."""
        async with asyncio.timeout(10):
            await self.stream.task

    async def leave(self) -> None:
        """Close the stream, and wait until the server is done with it."""
        await leave(self.stream)


def get(application: Any, path: str = PATH, **headers: str) -> Call:
    """Ask for a stream."""
    given = {**JSON_HEADERS, "accept": "text/event-stream", **headers}
    return Call(application, method="GET", path=path, headers=given)
