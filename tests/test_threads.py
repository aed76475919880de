from __future__ import annotations

import asyncio

import pytest

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
