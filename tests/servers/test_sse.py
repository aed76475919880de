"""HTTP+SSE on real servers: the official client, a client that leaves, and a server that stops."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import anyio
import httpx2
import pytest
from mcp_types import ElicitResult

from tests.servers.conftest import SiteServer
from tests.servers.endpoint import endpoint
from tests.servers.fleet import http_client, soon
from tests.servers.processes import SITE, ServerProcess, command
from tests.servers.sse import connected, official_client
from tests.servers.test_streams import STOP_SECONDS, rows_of

pytestmark = [pytest.mark.server, pytest.mark.anyio]


@pytest.fixture
def site(site_server: SiteServer, way: str) -> ServerProcess:
    """The site, with the transport switched on."""
    return site_server(way, SITE_SSE="1")


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with http_client() as http:
        yield http


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_the_official_client_is_served(site: ServerProcess, mode: str) -> None:
    key, progress = uuid4().hex, []

    async def note(*args: Any) -> None:
        progress.append(args)

    async def answer(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action="accept", content={"word": params.message})

    async with official_client(site.url, mode=mode, elicitation_callback=answer) as client:
        assert client.protocol_version == "2025-11-25"
        assert {"write", "confirm"} <= {tool.name for tool in (await client.list_tools()).tools}
        for tool in ("write", "write_async"):
            await client.call_tool(tool, {"key": key, "text": tool})
        assert (await client.call_tool("read", {"key": key})).structured_content == {"result": ["write", "write_async"]}
        assert (await client.call_tool("confirm", {"message": "Sure?"})).structured_content == {
            "result": "accept Sure?"
        }
        await client.call_tool("open_gate", {"key": key})
        await client.call_tool("wait_at_gate", {"key": key}, progress_callback=note)
    assert progress == [(1, 2, "at the gate")]


@pytest.mark.parametrize("tool", ["hold", "hold_sync"])
async def test_a_client_that_leaves_cancels_its_calls(site: ServerProcess, http: httpx2.AsyncClient, tool: str) -> None:
    key = uuid4().hex
    async with connected(http, site.url) as client:
        await client.shake_hands(site.url)
        await client.call(site.url, tool, key=key)
        assert (await client.stream.message())["method"] == "notifications/progress"
    async with endpoint(site.url) as other:
        await other.rows_become(key, ["started", "cancelled"])
    await soon(lambda: client.is_gone(site.url))


async def test_a_silent_stream_shows_signs_of_life(site: ServerProcess, http: httpx2.AsyncClient) -> None:
    """The site's KEEP_ALIVE_SECONDS is 1."""
    async with connected(http, site.url) as client:
        assert await client.stream.line() == ": keep-alive"


@pytest.mark.parametrize("stopped", ["runmcp", "daphne", "uvicorn"])
async def test_a_server_with_open_streams_stops_soon_after_sigterm(
    site_database: str, http: httpx2.AsyncClient, stopped: str
) -> None:
    """One stream is silent, one has an async call under way, one a sync call that never looks up."""
    line = command(stopped, "asgi:application")
    variables = {"DATABASE_URL": site_database, "SITE_SSE": "1"}
    with ServerProcess(f"{stopped} to be stopped", line, SITE, variables) as server:
        async with (
            connected(http, server.url),
            connected(http, server.url) as asking,
            connected(http, server.url) as blocking,
            endpoint(server.url) as site,
        ):
            for client in (asking, blocking):
                await client.shake_hands(server.url)
            await asking.call(server.url, "hold", key="async")
            assert (await asking.stream.message())["method"] == "notifications/progress"
            await blocking.call(server.url, "block", key="silent")
            await site.rows_become("silent", ["started"])
            server.terminate()
            await anyio.to_thread.run_sync(server.wait, STOP_SECONDS)
    if stopped != "daphne":  # by itself it waits for the first cancelled call only: what others do in the end is lost
        assert rows_of(site_database, "async") == ["started", "cancelled"]
