from __future__ import annotations

import asyncio
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
from channels.layers import get_channel_layer

from mcp_django.sessions.layer import layer_of_this_loop
from tests.sessions.layers import SharedLayer

pytestmark = pytest.mark.anyio


@pytest.fixture
def other_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A further loop of this process, which runs in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def _layer(**options: Any) -> Any:
    return layer_of_this_loop(**options)


async def _there(loop: asyncio.AbstractEventLoop, **options: Any) -> Any:
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_layer(**options), loop))


@pytest.fixture
def shared(settings: Any) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "tests.sessions.layers.SharedLayer"}}


@pytest.mark.usefixtures("shared")
async def test_no_two_loops_receive_from_one_layer(other_loop: asyncio.AbstractEventLoop) -> None:
    here, there = layer_of_this_loop(), await _there(other_loop)
    assert here is get_channel_layer()
    assert isinstance(there, SharedLayer)
    assert there is not here
    assert layer_of_this_loop() is here
    assert await _there(other_loop) is there


@pytest.mark.usefixtures("shared")
async def test_a_loop_that_only_sends_needs_no_layer_of_its_own(other_loop: asyncio.AbstractEventLoop) -> None:
    here = layer_of_this_loop()
    assert await _there(other_loop, receiving=False) is here


async def test_the_layer_in_memory_is_one_for_all(other_loop: asyncio.AbstractEventLoop) -> None:
    assert layer_of_this_loop() is await _there(other_loop) is get_channel_layer()


async def test_a_project_without_a_layer_has_none_in_any_loop(settings: Any) -> None:
    settings.CHANNEL_LAYERS = {}
    assert layer_of_this_loop() is None
