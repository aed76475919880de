"""Calls become rows on real servers, whatever the transport, and none of the last ones is lost when a server stops."""

from __future__ import annotations

import signal
import sqlite3
import sys
from contextlib import closing
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from tests.servers.endpoint import endpoint
from tests.servers.pipes import StdioProcess, call, initialize
from tests.servers.processes import SITE, ServerProcess, command, environment
from tests.servers.sse import official_client

pytestmark = [pytest.mark.server, pytest.mark.anyio]

CALLS = 20
STOP_SECONDS = 30
WRITE_SECONDS = 30


def rows_of(database: str, columns: str = "component, outcome") -> list[Any]:
    """Read the rows of tools' calls, oldest first."""
    with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as connection:
        query = f"SELECT {columns} FROM mcp_django_call WHERE method = 'tools/call' ORDER BY id"
        return connection.execute(query).fetchall()


async def become_rows(database: str, wanted: int, columns: str) -> list[Any]:
    """Wait until so many calls are written."""
    with anyio.fail_after(WRITE_SECONDS):
        while len(rows := rows_of(database, columns)) < wanted:
            await anyio.sleep(0.05)
    return rows


async def use(client: Client) -> None:
    """Call a tool that works, and one that fails."""
    await client.call_tool("write", {"key": "k", "text": "kept"})
    await client.call_tool("write_async", {"key": "k", "text": "lost", "fail": True})


CALLED = [("write", "ok"), ("write_async", "tool_error")]


@pytest.mark.parametrize("way", ["runmcp", "daphne", "uvicorn"])
async def test_what_waits_to_be_written_is_written_when_the_server_is_told_to_stop(
    site_database: str, way: str
) -> None:
    line = command(way, "asgi:application")
    with ServerProcess(f"{way} to be stopped", line, SITE, {"DATABASE_URL": site_database}) as server:
        async with endpoint(server.url) as site:
            for number in range(CALLS):
                await site.call("write_async", key="k", text=str(number))
        server.terminate()  # at once: the last call has not been written yet
        await anyio.to_thread.run_sync(server.wait, STOP_SECONDS)
    assert rows_of(site_database) == [("write_async", "ok")] * CALLS
    with closing(sqlite3.connect(site_database.removeprefix("sqlite:///"))) as connection:
        assert connection.execute("SELECT pid FROM mcp_django_worker").fetchall() == []


async def test_calls_over_stdio_are_rows(site_database: str) -> None:
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["manage.py", "runmcp", "--stdio"],
        cwd=SITE,
        env=environment(SITE, DATABASE_URL=site_database),
    )
    async with Client(parameters) as client:
        await use(client)
    rows = await become_rows(site_database, 2, "component, outcome, client_name, transport")
    assert rows == [(*call, "mcp", "stdio") for call in CALLED]


@pytest.mark.parametrize("tool", ["hold", "hold_sync"])
async def test_what_waits_to_be_written_is_written_when_sigterm_ends_stdio(site_database: str, tool: str) -> None:
    async with StdioProcess(DATABASE_URL=site_database) as server:
        await server.ask(initialize())
        running = call(1, tool, key="k")
        running["params"]["_meta"] = {"progressToken": "p"}
        assert (await server.ask(running))["method"] == "notifications/progress"
        await server.ask(call(2, "write_async", key="k", text="kept"))
        server.process.terminate()  # at once: the last call has not been written yet
        with anyio.fail_after(STOP_SECONDS):
            assert await server.process.wait() == -signal.SIGTERM
    assert "Traceback" not in server.errors
    assert sorted(rows_of(site_database)) == [(tool, "cancelled"), ("write_async", "ok")]


async def test_calls_over_http_and_sse_are_rows(site_database: str, way: str) -> None:
    variables = {"DATABASE_URL": site_database, "SITE_SSE": "1"}
    with ServerProcess(f"{way} with SSE", command(way, "asgi:application"), SITE, variables) as server:
        async with official_client(server.url) as client:
            await use(client)
        rows = await become_rows(site_database, 2, "component, outcome, client_name, transport")
    assert rows == [(*call, "mcp", "sse") for call in CALLED]


@pytest.mark.parametrize("way", ["gunicorn", "runserver"])
async def test_calls_of_the_view_under_wsgi_are_rows(site_database: str, way: str, era: str) -> None:
    variables = {"DATABASE_URL": site_database, "SITE_WITHOUT_ASGI": "1"}
    with ServerProcess(f"{way} recorded", command(way, "asgi:application"), SITE, variables) as server:
        async with Client(server.url, mode=era) as client:
            await use(client)
        rows = await become_rows(site_database, 2, "component, outcome, client_name, transport")
    name = "" if era == "legacy" else "mcp"  # without sessions, nothing remembers who shook hands
    assert sorted(rows) == [(*call, name, "streamable-http") for call in CALLED]
