"""Event streams on real servers: what comes when, and how the server stops while they are open."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from time import monotonic
from uuid import uuid4

import anyio
import pytest

from tests.servers.conftest import SiteServer
from tests.servers.endpoint import Endpoint, endpoint
from tests.servers.processes import SITE, ServerProcess, command

pytestmark = [pytest.mark.server, pytest.mark.anyio]

STOP_SECONDS = 5
"""How long a server may take to stop, its streams open. The calls would go on for 20."""

WAIT_SECONDS = 60
"""How long a test waits for it."""


@pytest.fixture(params=["handshake", "modern"])
def modern(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "modern")


@pytest.fixture
async def site(site_server: SiteServer, way: str, modern: bool) -> AsyncIterator[Endpoint]:
    async with endpoint(site_server(way).url, modern=modern) as site:
        yield site


@pytest.mark.parametrize("tool", ["wait_at_gate", "wait_at_gate_sync"])
async def test_progress_arrives_before_the_result_and_not_with_it(site: Endpoint, tool: str) -> None:
    """The tool goes on only when the test has read the progress."""
    key = uuid4().hex
    async with site.stream(tool, key=key) as stream:
        progress = await stream.message()
        assert (progress["method"], progress["params"]["progressToken"]) == ("notifications/progress", "p")
        await site.call("open_gate", key=key)
        assert (await stream.message())["result"]["content"][0]["text"] == "through the gate"


@pytest.mark.parametrize("tool", ["wait_at_gate", "wait_at_gate_sync"])
async def test_a_silent_call_shows_a_sign_of_life_and_then_its_result(site: Endpoint, tool: str) -> None:
    """The site's KEEP_ALIVE_SECONDS is 1; the tool goes on only when the test has read the comment."""
    key = uuid4().hex
    async with site.stream(tool, key=key, progress=False) as stream:
        assert (await stream.line()).startswith(":")
        await site.call("open_gate", key=key)
        assert (await stream.message())["result"]["content"][0]["text"] == "through the gate"


@pytest.mark.parametrize("stopped", ["runmcp", "daphne", "uvicorn"])
async def test_a_server_with_calls_under_way_stops_soon_after_sigterm(site_database: str, stopped: str) -> None:
    taken = [await seconds_to_stop(site_database, stopped)]
    while taken[-1] >= STOP_SECONDS and len(taken) < 3:  # on a busy machine: one that waits always takes longer
        taken.append(await seconds_to_stop(site_database, stopped))
    assert taken[-1] < STOP_SECONDS
    if stopped != "daphne":  # by itself it waits for the first cancelled call only: what others do in the end is lost
        assert rows_of(site_database, "async") == ["started", "cancelled"] * len(taken)


async def seconds_to_stop(database: str, way: str) -> float:
    """Stop a server in the middle of three calls, and return how long it takes.

    Two have an open stream, one of them from sync code; the third says nothing and never looks up.
    """
    line = command(way, "asgi:application")
    silent = uuid4().hex
    with ServerProcess(f"{way} to be stopped", line, SITE, {"DATABASE_URL": database}) as server:
        async with (
            endpoint(server.url) as site,
            site.stream("hold", key="async") as first,
            site.stream("hold_sync", key="sync") as second,
            site.under_way("block", silent),
        ):
            assert (await first.message())["method"] == (await second.message())["method"] == "notifications/progress"
            begin = monotonic()
            server.terminate()
            await anyio.to_thread.run_sync(server.wait, WAIT_SECONDS)
            return monotonic() - begin


def rows_of(database: str, key: str) -> list[str]:
    """Read what tools have written, without a server."""
    with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as connection:
        query = "SELECT text FROM workshop_note WHERE key = ? ORDER BY id"
        return [text for (text,) in connection.execute(query, [key])]
