"""What several workers have in common: how often somebody may ask, and what all who listen are told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from uuid import uuid4

import httpx2
import pytest

from tests.servers.endpoint import SECONDS, Stream
from tests.servers.fleet import Fleet, soon

pytestmark = [pytest.mark.matrix, pytest.mark.anyio]


@pytest.fixture(scope="module")
def fleet(workers_database: str) -> Iterator[Fleet]:
    """Two workers that share a cache and a channel layer."""
    with Fleet(workers_database) as fleet:
        yield fleet


@pytest.fixture
def roots(fleet: Fleet) -> list[str]:
    """Where they are."""
    return [url.removesuffix("/mcp") for url in fleet.urls]


async def test_of_51_requests_at_once_to_two_workers_50_are_served(roots: list[str], http: httpx2.AsyncClient) -> None:
    key = uuid4().hex
    urls = [f"{roots[number % 2]}/limited/?key={key}" for number in range(51)]
    responses = await asyncio.gather(*map(http.get, urls))
    assert sorted(response.status_code for response in responses) == [200] * 50 + [429]
    (refused,) = [response for response in responses if response.status_code == 429]
    assert 1 <= int(refused.headers["retry-after"]) <= 86400
    again = [await http.get(url) for url in urls[:2]]
    assert [response.status_code for response in again] == [429, 429]


async def test_what_one_worker_is_told_the_listeners_of_both_hear(roots: list[str], http: httpx2.AsyncClient) -> None:
    group = uuid4().hex
    async with AsyncExitStack() as stack:
        streams = []
        for root in roots:
            response = await stack.enter_async_context(http.stream("GET", f"{root}/events/{group}/"))
            streams.append(Stream(response, SECONDS))
            assert await streams[-1].line() == ":"
            assert await streams[-1].line() == ":"  # a sign of life, a second later: it has subscribed
        for number, root in enumerate(roots):
            await http.get(f"{root}/notify/{group}/", params={"text": f"from {number}"})
            for stream in streams:
                line = ":"
                while line == ":":
                    line = await stream.line()
                assert line == f"data: from {number}"


async def test_a_route_that_is_switched_off_elsewhere_is_gone_from_both(
    fleet: Fleet, roots: list[str], http: httpx2.AsyncClient
) -> None:
    async def all_answer(status: int) -> bool:
        return [(await http.get(f"{root}/plain")).status_code for root in roots] == [status] * 2

    assert await all_answer(200)
    for how, status in (("disable", 404), ("enable", 200)):
        code = f"from mcp_django.registry import discover, mcp; discover(); mcp.{how}('route', 'GET /plain')"
        await asyncio.to_thread(fleet.shell, code)
        await soon(lambda status=status: all_answer(status))  # type: ignore[misc]
    unknown = await http.get(f"{roots[0]}/nowhere")
    await asyncio.to_thread(fleet.shell, code.replace("enable", "disable"))
    await soon(lambda: all_answer(404))
    assert (await http.get(f"{roots[0]}/plain")).headers["content-type"] == unknown.headers["content-type"]
    await asyncio.to_thread(fleet.shell, code)
