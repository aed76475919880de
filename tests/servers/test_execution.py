"""How tools run on real servers: threads, rows and transactions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from time import monotonic
from uuid import uuid4

import anyio
import pytest

from tests.servers.conftest import SiteServer
from tests.servers.endpoint import Endpoint, endpoint

pytestmark = [pytest.mark.server, pytest.mark.anyio]

LEAVE_SECONDS = 5
"""How soon a call must end that nobody waits for any more. daphne itself would end it after 10 s."""


@pytest.fixture
def key() -> str:
    """What this test's rows are known by: others write to the same database."""
    return uuid4().hex


@pytest.fixture
async def site(site_server: SiteServer, way: str) -> AsyncIterator[Endpoint]:
    async with endpoint(site_server(way).url) as site:
        yield site


@pytest.fixture
async def atomic_site(site_server: SiteServer, way: str) -> AsyncIterator[Endpoint]:
    """The site with ``ATOMIC_REQUESTS``."""
    async with endpoint(site_server(way, SITE_ATOMIC_REQUESTS="1").url) as site:
        yield site


async def test_sync_and_async_tools_read_and_write_rows(site: Endpoint, key: str) -> None:
    for tool in ("write", "write_async"):
        assert (await site.call(tool, key=key, text=tool))["isError"] is False
    for tool in ("read", "read_async"):
        assert (await site.call(tool, key=key))["structuredContent"] == {"result": ["write", "write_async"]}


async def test_four_sync_tools_of_half_a_second_run_side_by_side(site: Endpoint) -> None:
    async def naps(seconds: float) -> float:
        begin = monotonic()
        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(lambda: site.call("nap", seconds=seconds))
        return monotonic() - begin

    await naps(0.05)  # starts threads
    taken = [await naps(0.5)]
    while taken[-1] >= 1.0 and len(taken) < 3:  # on a busy machine: one after the other they always take 2 s
        taken.append(await naps(0.5))
    assert taken[-1] < 1.0


@pytest.mark.parametrize("tool", ["write", "write_async", "write_atomic", "write_atomic_async"])
async def test_what_a_tool_wrote_before_it_failed_stays_unless_it_is_atomic(
    site: Endpoint, key: str, tool: str
) -> None:
    assert (await site.call(tool, key=key, text="kept"))["isError"] is False
    assert (await site.call(tool, key=key, text="failed", fail=True))["isError"] is True
    assert await site.rows(key) == (["kept"] if "atomic" in tool else ["kept", "failed"])


@pytest.mark.parametrize("tool", ["write", "write_async"])
async def test_under_atomic_requests_nothing_stays_of_a_tool_that_failed(
    atomic_site: Endpoint, key: str, tool: str
) -> None:
    assert (await atomic_site.call(tool, key=key, text="kept"))["isError"] is False
    assert (await atomic_site.call(tool, key=key, text="failed", fail=True))["isError"] is True
    assert await atomic_site.rows(key) == ["kept"]


@pytest.mark.parametrize("tool", ["hold", "hold_sync"])
async def test_a_silent_call_is_cancelled_when_the_client_leaves(site: Endpoint, key: str, tool: str) -> None:
    async with site.under_way(tool, key):
        pass
    await site.rows_become(key, ["started", "cancelled"], within=LEAVE_SECONDS)


@pytest.mark.parametrize("tool", ["hold", "hold_sync"])
async def test_a_call_with_an_open_stream_is_cancelled_when_the_client_leaves(
    site: Endpoint, key: str, tool: str
) -> None:
    async with site.stream(tool, key=key) as stream:
        assert (await stream.message())["method"] == "notifications/progress"
        assert await site.rows(key) == ["started"]
    await site.rows_become(key, ["started", "cancelled"], within=LEAVE_SECONDS)


async def test_a_cancelled_tool_under_atomic_requests_leaves_nothing(atomic_site: Endpoint, key: str) -> None:
    async with atomic_site.stream("hold", key=key) as stream:
        await stream.message()
    await atomic_site.rows_become(key, [], within=LEAVE_SECONDS)
