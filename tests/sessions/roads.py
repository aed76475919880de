"""Roads from the official client to a server in this process: HTTP that streams, and a pair of pipes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCMessage, jsonrpc_message_adapter

from mcp_django import MCPServer
from mcp_django.auth import ANONYMOUS, Principal
from mcp_django.transports.stdio import StdioServer
from tests.wire import Call

SECONDS = 10


class ASGIRoad(httpx2.AsyncBaseTransport):
    """HTTP to ASGI applications, each answer as it comes. (The client's own road waits for the end of an answer.)

    Args:
        applications: requests go to one after the other, as behind a balancer that remembers nothing.
    """

    def __init__(self, *applications: Any) -> None:
        self._applications, self._turn = applications, 0
        self.calls: list[Call] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        application = self._applications[self._turn % len(self._applications)]
        self._turn += 1
        headers = [(name.lower(), value) for name, value in request.headers.items()]
        path = request.url.raw_path.decode()
        call = Call(application, await request.aread(), method=request.method, path=path, headers=headers)
        self.calls.append(call)
        async with asyncio.timeout(SECONDS):
            await call.sent.get()
        return httpx2.Response(call.response.status, headers=call.response.headers, stream=_Body(call))


class _Body(httpx2.AsyncByteStream):
    def __init__(self, call: Call) -> None:
        self._call = call

    async def __aiter__(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            event = await self._call.sent.get()
            more = event.get("more_body", False)
            yield event.get("body", b"")

    async def aclose(self) -> None:
        self._call.disconnect()


@asynccontextmanager
async def over_http(*applications: Any, mode: str = "auto", **options: Any) -> AsyncIterator[Client]:
    """Connect the official client to ASGI applications."""
    road = ASGIRoad(*applications)
    try:
        async with httpx2.AsyncClient(transport=road, base_url="http://testserver") as http:
            way = streamable_http_client("http://testserver/mcp", http_client=http)
            async with Client(way, mode=mode, **options) as client:
                yield client
    finally:
        for call in road.calls:
            call.disconnect()
        for call in road.calls:
            await call.finished()


@asynccontextmanager
async def over_stdio(
    server: MCPServer, mode: str = "auto", principal: Principal = ANONYMOUS, **options: Any
) -> AsyncIterator[Client]:
    """Connect the official client through a pair of pipes."""
    async with Client(_piped(server, principal), mode=mode, **options) as client:
        yield client


@asynccontextmanager
async def _piped(server: MCPServer, principal: Principal) -> AsyncIterator[Any]:
    (server_in, client_out), (client_in, server_out) = os.pipe(), os.pipe()
    with (
        os.fdopen(server_in, "rb") as reader,
        os.fdopen(server_out, "wb") as writer,
        os.fdopen(client_out, "wb", buffering=0) as to_server,
        os.fdopen(client_in, "rb", buffering=0) as from_server,
    ):
        serving = asyncio.ensure_future(StdioServer(server, principal, reader, writer).run())
        serving.add_done_callback(lambda _: writer.close())
        arriving, read_stream = anyio.create_memory_object_stream[SessionMessage | Exception](100)
        write_stream, leaving = anyio.create_memory_object_stream[SessionMessage](100)
        lines = asyncio.StreamReader()
        pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(lines), from_server
        )

        async def read() -> None:
            async with arriving:
                while line := await lines.readline():
                    await arriving.send(SessionMessage(_parsed(line)))

        async def write() -> None:
            async with leaving:
                async for message in leaving:
                    to_server.write(message.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")

        tasks = [asyncio.ensure_future(each) for each in (read(), write())]
        try:
            yield read_stream, write_stream
        finally:
            write_stream.close()
            async with asyncio.timeout(SECONDS):
                await tasks[1]
                to_server.close()
                await serving
            tasks[0].cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            pipe.close()
            read_stream.close()


def _parsed(line: bytes) -> JSONRPCMessage:
    return jsonrpc_message_adapter.validate_json(line, by_name=False)
