"""A plain HTTP client for one endpoint: it sees when the bytes come, and can leave when it likes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import httpx2

from tests.wire import modern_request, request

SECONDS = 20
"""How long one read may take."""

HEADERS = {"accept": "application/json, text/event-stream"}


class Stream:
    """The answer to one request, as it arrives. ``seconds``: how long a line may take."""

    def __init__(self, response: httpx2.Response, seconds: float = SECONDS) -> None:
        self.response, self._seconds = response, seconds
        self._lines = response.aiter_lines()

    async def line(self) -> str:
        """Return the next line that isn't empty."""
        with anyio.fail_after(self._seconds):
            async for line in self._lines:
                if line:
                    return line
        raise EOFError("The stream has ended.")

    async def message(self) -> dict[str, Any]:
        """Return the next message; comments, and events that are nothing but an id, are passed over."""
        while True:
            line = await self.line()
            if line.startswith("data: {"):
                message: dict[str, Any] = json.loads(line.removeprefix("data: "))
                return message


def answer_in(response: httpx2.Response) -> dict[str, Any]:
    """Return the response to a request, as JSON or at the end of a stream: a slow machine turns one into the other."""
    text = response.text
    if response.headers["content-type"] == "text/event-stream":
        text = [line for line in text.splitlines() if line.startswith("data: ")][-1].removeprefix("data: ")
    answer: dict[str, Any] = json.loads(text)
    return answer


class Endpoint:
    """Speaks to the MCP endpoint at ``url``.

    Args:
        modern: whether in 2026-07-28, or as a client that shook hands.
    """

    def __init__(self, url: str, http: httpx2.AsyncClient, *, modern: bool = True) -> None:
        self.url, self._http, self._modern = url, http, modern

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Return the result of a tool, errors included."""
        body, headers = self._request(tool, arguments, progress=False)
        response = await self._http.post(self.url, json=body, headers=headers)
        result: dict[str, Any] = answer_in(response)["result"]
        return result

    async def rows(self, key: str) -> list[str]:
        """Return what tools have written under a key."""
        texts: list[str] = (await self.call("read_async", key=key))["structuredContent"]["result"]
        return texts

    async def rows_become(self, key: str, wanted: list[str], *, within: float = SECONDS) -> None:
        """Wait until exactly that has been written. Fails after ``within`` seconds."""
        rows: list[str] = []
        with anyio.move_on_after(within):
            while (rows := await self.rows(key)) != wanted:
                await anyio.sleep(0.05)
        assert rows == wanted

    @asynccontextmanager
    async def stream(self, tool: str, *, progress: bool = True, **arguments: Any) -> AsyncIterator[Stream]:
        """Call a tool, and enter when the answer begins. Leaving before its end closes the connection."""
        body, headers = self._request(tool, arguments, progress=progress)
        async with self._http.stream("POST", self.url, json=body, headers=headers) as response:
            assert response.headers["content-type"] == "text/event-stream"
            yield Stream(response)

    @asynccontextmanager
    async def under_way(self, tool: str, key: str) -> AsyncIterator[None]:
        """Call a tool that doesn't say a word, and enter when it has written its first row.

        Leaving the block closes the connection.
        """
        body, headers = self._request(tool, {"key": key}, progress=False)
        async with httpx2.AsyncClient(timeout=SECONDS) as other, anyio.create_task_group() as group:

            async def wait() -> None:
                with suppress(httpx2.TransportError):  # the server may be stopped meanwhile
                    await other.post(self.url, json=body, headers=headers)

            group.start_soon(wait)
            await self.rows_become(key, ["started"])
            yield
            group.cancel_scope.cancel()

    def _request(
        self, tool: str, arguments: dict[str, Any], *, progress: bool
    ) -> tuple[dict[str, Any], dict[str, str]]:
        params = {"name": tool, "arguments": arguments}
        meta = {"progressToken": "p"} if progress else {}
        if self._modern:
            body, headers = modern_request("tools/call", params, **meta)
            return body, HEADERS | headers
        return request("tools/call", params, **meta), HEADERS | {"mcp-protocol-version": "2025-11-25"}


@asynccontextmanager
async def endpoint(url: str, *, modern: bool = True) -> AsyncIterator[Endpoint]:
    """Open a client for an endpoint."""
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(timeout=SECONDS, limits=limits) as http:
        yield Endpoint(url, http, modern=modern)
