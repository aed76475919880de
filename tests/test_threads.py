from __future__ import annotations

import asyncio

import pytest
from django.db import connection, connections

from mcp_django import threads
from mcp_django.lanes import Lane
from mcp_django.threads import Pool

pytestmark = pytest.mark.anyio


async def test_an_idle_thread_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "IDLE_SECONDS", 0.01)
    pool = Pool(1)
    with Lane(pool) as lane:
        await lane.submit(int)
    async with asyncio.timeout(10):
        while pool._count:
            await asyncio.sleep(0.001)


@pytest.mark.django_db(transaction=True)
async def test_a_thread_keeps_its_own_connections_and_no_copies_of_them() -> None:
    def use() -> list[object]:
        connection.ensure_connection()
        for _ in range(3):
            copy = connection.copy()
            copy.ensure_connection()
            copy.close()
        return [each is connections["default"] for each in threads._here.connections or ()]

    pool = Pool(1)
    with Lane(pool) as lane:
        assert await lane.submit(use) == [True]
    pool.close()
