"""What a process says that serves nobody: a command, a job, a shell."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from channels.layers import get_channel_layer

from mcp_django import MCPServer
from mcp_django.sessions import publish
from mcp_django.sessions.hub import get_hub
from tests.sessions.layers import SharedLayer

UPDATE = ["event", "fixture", "resource", "x://1"]


@pytest.fixture(autouse=True)
def _ends(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Callable[[], None]]]:
    """Let the thread that sends end with the test, as it does with a process."""
    ends: list[Callable[[], None]] = []

    def register(fn: Callable[..., None], *args: Any) -> None:
        ends.append(lambda: fn(*args))

    monkeypatch.setattr(publish.atexit, "register", register)
    monkeypatch.setattr(publish, "_sending", None)
    yield ends
    for end in ends:
        end()
    deadline = time.monotonic() + 5
    while publishers() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert publishers() == []


@pytest.fixture
def end(_ends: list[Callable[[], None]]) -> Callable[[], None]:
    """Do what is done when the process ends."""

    def end() -> None:
        while _ends:
            _ends.pop()()

    return end


@pytest.fixture
def layer(settings: Any) -> SharedLayer:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "tests.sessions.layers.SharedLayer"}}
    layer = get_channel_layer()
    assert isinstance(layer, SharedLayer)
    return layer


def publishers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "mcp-publisher"]


def test_the_layer_has_what_was_said_before_the_process_goes_on(server: MCPServer, layer: SharedLayer) -> None:
    layer.slow = 0.05
    server.notify_resource_updated("x://1")
    assert layer.items == [UPDATE]


def test_one_thread_says_all_of_it(server: MCPServer, layer: SharedLayer, end: Callable[[], None]) -> None:
    for number in range(1000):
        server.notify_resource_updated(f"x://{number}")
        server.notify_resource_updated("x://1")
    assert publishers() == ["mcp-publisher"]
    end()
    assert {item[3] for item in layer.items} == {f"x://{number}" for number in range(1000)}


def test_a_process_that_only_speaks_hears_nothing(server: MCPServer, layer: SharedLayer) -> None:
    """Else each run of a command would leave a channel behind that fills up."""
    server.notify_tools_changed()
    assert layer.items == [["event", "fixture", "tools", ""]]
    assert {group: len(channels) for group, channels in layer.groups.items() if channels} == {}


@pytest.mark.parametrize("backend", [None, "channels.layers.InMemoryChannelLayer"])
def test_where_nobody_can_hear_nothing_is_said(server: MCPServer, settings: Any, backend: str | None) -> None:
    settings.CHANNEL_LAYERS = {} if backend is None else {"default": {"BACKEND": backend}}
    server.notify_tools_changed()
    assert publishers() == []


def test_what_a_process_declares_itself_concerns_nobody_while_it_serves_nobody(
    server: MCPServer, layer: SharedLayer
) -> None:
    server.add_tool(lambda: "x", "late")
    assert publishers() == []


def test_a_layer_that_is_away_stops_nobody(
    server: MCPServer, layer: SharedLayer, caplog: pytest.LogCaptureFixture
) -> None:
    layer.down = True
    server.notify_tools_changed()
    assert "The channel layer did not take a message (ConnectionError: the layer is away)." in caplog.text
    layer.come_up()
    server.notify_resource_updated("x://1")
    server.notify_prompts_changed()


def test_a_layer_that_hangs_is_waited_for_only_a_moment(
    server: MCPServer, layer: SharedLayer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(publish, "SEND_SECONDS", 0.05)
    monkeypatch.setattr("mcp_django.sessions.hub.CLOSE_SECONDS", 0.05)
    layer.slow = 60
    began = time.monotonic()
    server.notify_tools_changed()
    assert time.monotonic() - began < 10


def test_async_code_does_not_wait(server: MCPServer, layer: SharedLayer, end: Callable[[], None]) -> None:
    layer.slow = 0.2

    async def main() -> list[Any]:
        server.notify_resource_updated("x://1")
        return layer.items

    assert asyncio.run(main()) == []
    end()
    assert layer.items == [UPDATE]


def test_a_process_that_serves_tells_its_own_clients_first(server: MCPServer, layer: SharedLayer) -> None:
    async def main() -> list[Any]:
        hub = get_hub()
        await hub.joined()
        await asyncio.to_thread(server.notify_resource_updated, "x://1")
        await asyncio.sleep(0)
        await hub.flush()
        await hub.close()
        return layer.items

    assert asyncio.run(main()) == [UPDATE]
    assert publishers() == []
