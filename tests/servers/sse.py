"""Clients of the HTTP+SSE transport for real servers: the official one, and a plain one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urljoin

import httpx2
from mcp import Client
from mcp.client.sse import sse_client

from tests.servers.endpoint import SECONDS, Stream
from tests.wire import request

VERSION = "2024-11-05"


@asynccontextmanager
async def official_client(
    url: str, transport: httpx2.AsyncBaseTransport | None = None, **options: Any
) -> AsyncIterator[Client]:
    """Connect the official client to the server whose endpoint is at ``url``."""

    def factory(**given: Any) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=transport, **given)

    way = sse_client(f"{url}/sse", timeout=SECONDS, httpx_client_factory=factory)
    async with Client(way, read_timeout_seconds=SECONDS, **options) as client:
        yield client


class SSEClient:
    """A client whose stream is open; each of its messages goes to the worker that the test names by its URL."""

    def __init__(self, http: httpx2.AsyncClient, stream: Stream, address: str) -> None:
        self.http, self.stream, self.address = http, stream, address
        self._id = 0

    async def post(self, url: str, message: Any) -> None:
        """Post a message that is taken."""
        response = await self.http.post(urljoin(url, self.address), json=message)
        assert (response.status_code, response.text) == (202, "")

    async def start(self, url: str, method: str, params: Mapping[str, Any] | None = None) -> int:
        """Post a request, and return its id."""
        self._id += 1
        await self.post(url, request(method, dict(params or {}), id=self._id, progressToken="p"))
        return self._id

    async def call(self, url: str, tool: str, **arguments: Any) -> int:
        """Call a tool, and return the request's id."""
        return await self.start(url, "tools/call", {"name": tool, "arguments": arguments})

    async def tell(self, url: str, method: str, **params: Any) -> None:
        """Post a notification."""
        await self.post(url, {"jsonrpc": "2.0", "method": method, "params": params})

    async def result(self, request_id: int) -> Any:
        """Wait for a result; what comes before it is passed over."""
        while (message := await self.stream.message()).get("id") != request_id:
            pass
        return message["result"]

    async def is_gone(self, url: str) -> bool:
        """Whether nothing can be posted any more."""
        response = await self.http.post(urljoin(url, self.address), json=request("ping"))
        assert response.status_code in (202, 404)
        return response.status_code == 404

    async def shake_hands(self, url: str) -> None:
        """Send ``initialize``."""
        params = {
            "protocolVersion": VERSION,
            "capabilities": {"elicitation": {}},
            "clientInfo": {"name": "peer", "version": "1"},
        }
        await self.result(await self.start(url, "initialize", params))


@asynccontextmanager
async def connected(http: httpx2.AsyncClient, url: str) -> AsyncIterator[SSEClient]:
    """Open a stream, and enter when it has named the address. Leaving closes the connection."""
    async with http.stream("GET", f"{url}/sse", headers={"accept": "text/event-stream"}) as response:
        assert response.status_code == 200
        stream = Stream(response)
        assert await stream.line() == "event: endpoint"
        yield SSEClient(http, stream, (await stream.line()).removeprefix("data: "))
