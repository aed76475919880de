"""The site and the demo on PostgreSQL and Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import anyio
import psycopg
import pytest

from mcp_django.threads import OWN_THREADS
from tests.servers import backends
from tests.servers.atlas_tour import tour
from tests.servers.conftest import WAYS, api_key
from tests.servers.endpoint import SECONDS, endpoint
from tests.servers.postgres import new_database
from tests.servers.processes import ROOT, SITE, ServerProcess, command, run
from tests.servers.test_official_client import OfficialClient, client_with_key

pytestmark = [pytest.mark.server, pytest.mark.matrix, pytest.mark.anyio]

REDIS = f"{backends.REDIS}/15"

MAX_THREADS = 8
CALLS = 100


@pytest.fixture(scope="module")
def site_on_postgres() -> Iterator[str]:
    """URL of a PostgreSQL database with the site's tables."""
    with new_database() as url:
        prepared = run(SITE, "manage.py", "prepare", DATABASE_URL=url)
        assert prepared.returncode == 0, prepared.stderr
        yield url


@pytest.fixture(scope="module")
def atlas_on_postgres() -> Iterator[str]:
    """URL of a PostgreSQL database with the demo's countries and cities."""
    with new_database() as url:
        prepared = run(ROOT, "manage.py", "demo", "--no-serve", "-v", "0", seconds=180, DATABASE_URL=url)
        assert prepared.returncode == 0, prepared.stderr
        yield url


@asynccontextmanager
async def counting_connections(url: str) -> AsyncIterator[list[int]]:
    """Note again and again how many connections to the database others than this one hold."""
    counts: list[int] = []
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

    done = anyio.Event()

    async def count() -> None:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            while not done.is_set():
                counts.extend(await (await connection.execute(query)).fetchone() or ())
                await anyio.sleep(0.01)

    async with anyio.create_task_group() as group:
        group.start_soon(count)
        yield counts
        done.set()


@pytest.mark.parametrize("way", WAYS)
async def test_calls_never_hold_more_connections_than_there_may_be_threads(site_on_postgres: str, way: str) -> None:
    variables = {"DATABASE_URL": site_on_postgres, "SITE_MAX_THREADS": str(MAX_THREADS)}
    processes: list[int] = []
    with ServerProcess(f"site on {way}, on PostgreSQL", command(way, "asgi:application"), SITE, variables) as server:
        async with endpoint(server.url) as site, counting_connections(site_on_postgres) as counts:

            async def call() -> None:
                result = await site.call("backend", seconds=0.05)
                processes.append(result["structuredContent"]["result"])

            async with anyio.create_task_group() as group:
                for _ in range(CALLS):
                    group.start_soon(call)
    assert len(processes) == CALLS
    assert 1 < len(set(processes)) <= MAX_THREADS
    assert 1 < max(counts) <= MAX_THREADS + OWN_THREADS


@pytest.mark.parametrize("way", WAYS)
async def test_the_demo_works_on_postgresql_and_redis(atlas_on_postgres: str, way: str) -> None:
    variables = {"DATABASE_URL": atlas_on_postgres, "REDIS_URL": REDIS}
    line = command(way, "project.asgi:application")
    with ServerProcess(f"atlas on {way}, on PostgreSQL", line, ROOT, variables) as server:
        async with client_with_key(server.url, api_key(atlas_on_postgres)) as client:
            listed, seen = await tour(OfficialClient(client))
    assert seen == listed


async def test_transactions_are_rolled_back_on_postgresql(site_on_postgres: str) -> None:
    variables = {"DATABASE_URL": site_on_postgres, "SITE_ATOMIC_REQUESTS": "1"}
    with ServerProcess("atomic site on PostgreSQL", command("runmcp", ""), SITE, variables) as server:
        async with endpoint(server.url) as site:
            for tool in ("write", "write_async"):
                key = uuid4().hex
                results: list[dict[str, Any]] = [
                    await site.call(tool, key=key, text=str(fail), fail=fail) for fail in (False, True)
                ]
                assert [result["isError"] for result in results] == [False, True]
                assert await site.rows(key) == ["False"]
            async with site.stream("hold", key="held") as stream:
                await stream.message()
                assert await open_transactions(site_on_postgres) == 1
            with anyio.fail_after(SECONDS):
                while await open_transactions(site_on_postgres):
                    await anyio.sleep(0.05)
            assert await site.rows("held") == []


async def open_transactions(url: str) -> int:
    """Return how many connections have begun a transaction, and do nothing in it."""
    query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'"
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        return len(await (await connection.execute(query)).fetchall())
