from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from mcp_django.sessions import hub as hubs
from mcp_django.sessions.calls import AlreadyRunning, Calls, TooManyCalls, cancel_call
from mcp_django.sessions.hub import Hub, close_hub, get_hub
from tests.sessions.layers import SharedLayer

pytestmark = pytest.mark.anyio


class Cancelled:
    """Counts how often it was called."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


@pytest.fixture
async def layer() -> AsyncIterator[SharedLayer]:
    """Let the hub of the loop be one of several."""
    layer = SharedLayer()
    hub = Hub(layer)
    hubs._hubs[hub.loop] = hub
    await hub.joined()
    yield layer
    await close_hub()


async def test_a_call_is_cancelled_by_its_session_and_id() -> None:
    hub, cancel = get_hub(), Cancelled()
    with hub.calls.running("s", 1, cancel):
        for session, request_id in (("t", 1), ("s", 2), ("s", "1")):
            cancel_call(hub, session, request_id)
        assert cancel.times == 0
        cancel_call(hub, "s", 1)
        assert cancel.times == 1
    cancel_call(hub, "s", 1)
    assert cancel.times == 1


async def test_a_session_runs_only_so_many_calls_at_a_time(settings: Any) -> None:
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "MAX_CALLS_PER_SESSION": 2}
    calls = Calls()
    with calls.running("s", 1, Cancelled()), calls.running("s", 2, Cancelled()):
        with pytest.raises(TooManyCalls), calls.running("s", 3, Cancelled()):
            pass
        with calls.running("t", 1, Cancelled()):
            pass
    with calls.running("s", 3, Cancelled()):
        pass


async def test_an_id_is_taken_while_its_call_runs() -> None:
    calls = Calls()
    with calls.running("s", 1, Cancelled()):
        with pytest.raises(AlreadyRunning), calls.running("s", 1, Cancelled()):
            pass
        with calls.running("s", "1", Cancelled()):
            pass
    with calls.running("s", 1, Cancelled()):
        pass


async def test_nothing_is_kept_of_calls_that_are_over() -> None:
    calls = Calls()
    with pytest.raises(RuntimeError), calls.running("s", 1, Cancelled()):
        raise RuntimeError
    assert (calls._cancel, calls._count) == ({}, {})


async def test_a_call_that_runs_in_another_process_is_cancelled_there(layer: SharedLayer) -> None:
    cancel = Cancelled()
    there = Hub(layer)
    await there.joined()
    with there.calls.running("s", "a", cancel):
        cancel_call(get_hub(), "s", "a")
        await get_hub().flush()
        await hubs.asyncio.sleep(0.01)
        assert cancel.times == 1
    assert layer.items == [["nudge", "cancel", "s", '"a"']]
    await there.close()


async def test_a_call_that_runs_here_concerns_nobody_else(layer: SharedLayer) -> None:
    hub = get_hub()
    with hub.calls.running("s", 1, Cancelled()):
        cancel_call(hub, "s", 1)
    await hub.flush()
    assert layer.items == []
