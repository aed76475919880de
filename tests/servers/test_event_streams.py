"""Server-sent events of Django's views, on real servers."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import closing
from uuid import uuid4

import anyio
import httpx2
import pytest

from tests.servers.conftest import SiteServer
from tests.servers.endpoint import SECONDS, Endpoint, Stream, endpoint
from tests.servers.processes import SITE, ServerProcess, command
from tests.servers.test_streams import STOP_SECONDS, rows_of

pytestmark = [pytest.mark.server, pytest.mark.anyio]


@pytest.fixture
async def site(site_server: SiteServer, way: str) -> AsyncIterator[Endpoint]:
    async with endpoint(site_server(way).url) as site:
        yield site


def root_of(url: str) -> str:
    return url.removesuffix("/mcp")


async def test_events_come_at_once_then_signs_of_life_and_the_end_comes_when_the_client_leaves(site: Endpoint) -> None:
    key, url = uuid4().hex, root_of(site.url)
    async with httpx2.AsyncClient(timeout=SECONDS) as http:
        async with http.stream("GET", f"{url}/events/{key}/", headers={"last-event-id": "7"}) as response:
            stream = Stream(response)
            assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert await stream.line() == ":"
            assert await stream.line() == "data: since 7"
            assert await stream.line() == ":"  # the site's KEEP_ALIVE_SECONDS is 1
            assert await site.rows(key) == ["started"]
        await site.rows_become(key, ["started", "ended"])


async def test_a_client_that_does_not_read_is_waited_for(site: Endpoint) -> None:
    """What nobody reads is not made: daphne by itself would take all of it into memory."""
    key = uuid4().hex
    host, _, port = root_of(site.url).removeprefix("http://").partition(":")
    with closing(socket.create_connection((host, int(port)), SECONDS)) as connection:
        connection.sendall(f"GET /flood/{key}/ HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        made, before = len(await site.rows(key)), -1
        with anyio.fail_after(SECONDS):
            while made != before or not made:
                await anyio.sleep(0.5)
                made, before = len(await site.rows(key)), made
        assert made < 300  # of 64 KiB each: what the kernel's buffers hold
    with anyio.fail_after(SECONDS):
        while (await site.rows(key))[-1] != "ended":
            await anyio.sleep(0.05)


@pytest.mark.parametrize("stopped", ["daphne", "uvicorn"])
async def test_a_server_with_open_event_streams_stops_soon_after_sigterm(site_database: str, stopped: str) -> None:
    line = command(stopped, "asgi:application")
    with ServerProcess(f"{stopped} with streams", line, SITE, {"DATABASE_URL": site_database}) as server:
        url = f"{root_of(server.url)}/events/stop/"
        async with httpx2.AsyncClient(timeout=SECONDS) as http, http.stream("GET", url) as response:
            stream = Stream(response)
            assert [await stream.line() for _ in range(2)] == [":", "data: since the beginning"]
            server.terminate()
            await anyio.to_thread.run_sync(server.wait, STOP_SECONDS)
    if stopped == "uvicorn":
        assert rows_of(site_database, "stop") == ["started", "ended"]
