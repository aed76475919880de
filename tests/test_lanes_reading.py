"""Calls that read with the ORM: they keep no thread for that."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from time import sleep
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connections
from django.db.models.signals import post_init

from mcp_django import MCPServer, threads
from mcp_django.lanes import Lane
from mcp_django.threads import Pool
from tests.conftest import Connect

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]

living = pytest.mark.usefixtures("living_connections")
where = sync_to_async(threading.get_ident)


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool(2)
    yield pool
    pool.close()


@pytest.fixture
def ada(db: None) -> Callable[[], Awaitable[User]]:
    """Return what reads a user."""
    User.objects.create(username="ada")
    return partial(User.objects.aget, username="ada")


@contextmanager
def while_reading(do: Callable[[], object]) -> Iterator[None]:
    """Do something in the middle of each read of a user, on its thread."""

    def hear(**kwargs: Any) -> None:
        do()

    post_init.connect(hear, sender=User)
    try:
        yield
    finally:
        post_init.disconnect(hear, sender=User)


@contextmanager
def reads_that_wait() -> Iterator[tuple[threading.Event, threading.Event]]:
    """Let reads wait until the second event is set; the first one tells that one has begun."""
    begun, release = threading.Event(), threading.Event()
    with while_reading(lambda: (begun.set(), release.wait(10))):
        try:
            yield begun, release
        finally:
            release.set()


@living
async def test_a_call_that_has_only_read_keeps_no_thread(pool: Pool) -> None:
    with Lane(pool):
        assert await User.objects.acount() == 0
        assert pool.busy == 0
        assert [user async for user in User.objects.all()] == []
        assert pool.busy == 0
    assert pool._count == 1


@living
async def test_with_health_checks_it_keeps_the_thread_of_its_second_read(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connections.settings["default"], "CONN_HEALTH_CHECKS", True)
    with Lane(pool):
        await User.objects.acount()
        assert pool.busy == 0
        await User.objects.acount()
        assert pool.busy == 1


async def test_it_keeps_the_thread_whose_connection_would_end_with_the_read(pool: Pool) -> None:
    with Lane(pool):
        assert await User.objects.acount() == 0
        assert pool.busy == 1


@living
async def test_from_the_first_piece_that_may_leave_something_all_runs_on_one_thread(
    pool: Pool, ada: Callable[[], Awaitable[User]]
) -> None:
    ran: list[int] = []
    with while_reading(lambda: ran.append(threading.get_ident())), Lane(pool):
        await ada()
        with Lane(pool):
            assert await where() == ran.pop(), "it takes the thread of the read meanwhile"
            await ada()
            assert await where() == ran.pop()
            assert pool.busy == 1


@living
async def test_what_a_call_starts_at_once_runs_one_after_the_other_also_behind_a_read(
    pool: Pool, ada: Callable[[], Awaitable[User]]
) -> None:
    at_work, most = 0, 0

    def work() -> None:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        sleep(0.05)
        at_work -= 1

    with while_reading(work), Lane(pool):
        await asyncio.gather(ada(), ada(), sync_to_async(work)(), ada())
    assert most == 1


@living
async def test_calls_read_side_by_side(pool: Pool, ada: Callable[[], Awaitable[User]]) -> None:
    together = threading.Barrier(2, timeout=10)

    async def call() -> None:
        with Lane(pool):
            await ada()

    with while_reading(together.wait):
        await asyncio.gather(call(), call())


@living
async def test_a_call_goes_on_after_a_read_that_it_no_longer_waits_for(
    pool: Pool, ada: Callable[[], Awaitable[User]]
) -> None:
    with reads_that_wait() as (begun, _):
        async with asyncio.timeout(10):
            with Lane(pool):
                read = asyncio.ensure_future(ada())
                await asyncio.to_thread(begun.wait, 10)
                behind = asyncio.ensure_future(where())
                await asyncio.sleep(0)
                read.cancel()
                assert isinstance(await behind, int)
    await _until_idle(pool)


@living
async def test_what_waits_for_a_read_is_refused_when_the_call_ends(
    pool: Pool, ada: Callable[[], Awaitable[User]]
) -> None:
    with reads_that_wait() as (begun, release):
        with Lane(pool):
            read = asyncio.ensure_future(ada())
            await asyncio.to_thread(begun.wait, 10)
            behind = asyncio.ensure_future(where())
            await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="The MCP call is over"):
            await behind
        release.set()
        assert (await read).username == "ada"
    await _until_idle(pool)


@living
async def test_a_task_that_outlives_its_call_can_read_nothing(pool: Pool, ada: Callable[[], Awaitable[User]]) -> None:
    with Lane(pool):
        await ada()
        later = asyncio.Event()

        async def read_later() -> User:
            await later.wait()
            return await ada()

        left = asyncio.create_task(read_later())
        await asyncio.sleep(0)
    later.set()
    with pytest.raises(RuntimeError, match="The MCP call is over"):
        await left


@living
async def test_what_waits_for_a_read_fails_when_the_system_has_no_thread_left(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    borrow = pool.borrow

    def borrow_for_reads(starter: Any) -> Any:
        if isinstance(starter, Lane):
            raise RuntimeError("can't start new thread")
        return borrow(starter)

    with Lane(pool):
        read = asyncio.ensure_future(User.objects.acount())
        behind = asyncio.ensure_future(where())
        await asyncio.sleep(0)
        with monkeypatch.context() as patched:
            patched.setattr(pool, "borrow", borrow_for_reads)
            with pytest.raises(RuntimeError, match="can't start new thread"):
                await behind
        assert await read == 0
        assert isinstance(await where(), int), "the next one may find one"
    await _until_idle(pool)


@living
async def test_tools_that_wait_after_a_read_leave_the_threads_to_others(
    server: MCPServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Pool(1)
    monkeypatch.setitem(threads._pools, "calls", pool)
    told, counts = asyncio.Event(), []

    @server.tool
    async def wait() -> int:
        count = await User.objects.acount()
        counts.append(count)
        await told.wait()
        return count + await User.objects.acount()

    @server.tool
    def tell() -> str:
        return User(username="ada").username

    async with connect("auto") as client, asyncio.timeout(10):
        waiting = [asyncio.ensure_future(client.call_tool("wait", {})) for _ in range(3)]
        while len(counts) < 3:
            await asyncio.sleep(0.001)
        assert (await client.call_tool("tell", {})).structured_content == {"result": "ada"}
        told.set()
        results = await asyncio.gather(*waiting)
    pool.close()
    assert [result.structured_content for result in results] == [{"result": 0}] * 3


async def _until_idle(pool: Pool) -> None:
    async with asyncio.timeout(10):
        while pool.busy:
            await asyncio.sleep(0.001)
