from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.test import modify_settings

from mcp_django import MCPServer, asgi
from mcp_django.asgi import get_mcp_application
from mcp_django.engine import clock
from mcp_django.lanes import Lane
from mcp_django.threads import get_pool
from mcp_django.transports import watch as watching
from mcp_django.transports.streamable_http import StreamableHTTPConsumer
from tests.wire import JSON_HEADERS, MODERN, Call, modern_request, post, request

pytestmark = pytest.mark.anyio

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@pytest.fixture(autouse=True)
def _handlers_are_given_back() -> Iterator[None]:
    kept = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


class Lifespan:
    """A server that speaks ASGI's lifespan with the application."""

    def __init__(self) -> None:
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        application: Any = get_mcp_application()
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
        self.task = asyncio.ensure_future(application(scope, self._incoming.get, self._sent.put))

    async def say(self, event: str) -> str:
        """Return what the application answers."""
        self._incoming.put_nowait({"type": f"lifespan.{event}"})
        async with asyncio.timeout(10):
            return str((await self._sent.get())["type"])

    async def end(self) -> None:
        assert await self.say("shutdown") == "lifespan.shutdown.complete"
        async with asyncio.timeout(10):
            await self.task


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


# Routes


@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
async def test_the_endpoint_is_served_without_a_redirect(path: str) -> None:
    application = get_mcp_application()
    message, headers = modern_request("server/discover")
    response = await post(application, message, path=path, headers=headers)
    assert (response.status, response.json["result"]["supportedVersions"]) == (200, [MODERN])
    response = await Call(application, method="GET", path=path, headers=JSON_HEADERS).finished()
    assert (response.status, response.headers["content-type"]) == (405, "application/json")


@pytest.mark.parametrize("path", ["/nothing/", "/mcpx", "/mcp/nothing", "//mcp", "/mcp//"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_everything_else_is_django_s(path: str, method: str) -> None:
    response = await Call(get_mcp_application(), method=method, path=path, headers=JSON_HEADERS).finished()
    assert response.status == 404
    assert b"<title>Not Found</title>" in response.body


async def test_django_s_own_pages_are_served() -> None:
    response = await Call(get_mcp_application(), method="GET", path="/admin/login/", headers=JSON_HEADERS).finished()
    assert response.status == 200
    assert b"csrfmiddlewaretoken" in response.body


async def test_below_a_root_path_everything_keeps_its_place() -> None:
    application: Any = get_mcp_application()

    async def at_root(scope: Any, receive: Any, send: Any) -> None:
        await application({**scope, "root_path": "/app"}, receive, send)

    for path, method, status in (("/app/mcp", "PUT", 405), ("/app/nothing/", "GET", 404)):
        response = await Call(at_root, method=method, path=path, headers=JSON_HEADERS).finished()
        assert response.status == status


async def test_every_server_is_there_and_its_tools_are_its_own(
    server: MCPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mcp_django import routing

    server.add_tool(lambda: "hello", "greet")
    monkeypatch.setattr(routing, "http_urlpatterns", routing.get_http_urlpatterns())
    application, call = get_mcp_application(), request("tools/call", {"name": "greet"})
    response = await post(application, call, path="/mcp/fixture")
    assert response.json["result"]["content"][0]["text"] == "hello"
    response = await post(application, call)
    assert response.json["error"]["message"] == "Unknown tool: greet"


@modify_settings(INSTALLED_APPS={"remove": "mcp_django"})
def test_a_project_without_the_app_is_told_to_add_it() -> None:
    with pytest.raises(ImproperlyConfigured, match="Add 'mcp_django' to INSTALLED_APPS"):
        get_mcp_application()


# Lifespan


async def test_a_server_may_speak_lifespan() -> None:
    server = Lifespan()
    assert await server.say("startup") == "lifespan.startup.complete"
    assert not server.task.done()
    await server.end()


async def test_shutting_down_closes_the_database_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []
    server, pool = Lifespan(), get_pool()
    with Lane(pool):
        thread = await sync_to_async(threading.current_thread)()
    await until(lambda: not pool.busy)
    monkeypatch.setattr(connections, "close_all", lambda: closed.append(threading.current_thread().name))
    await server.say("startup")
    await server.end()
    assert thread.name in closed


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("streaming", [False, True])
async def test_long_calls_end_soon_after_the_signal_and_the_server_s_own_handler_still_runs(
    server: MCPServer, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, streaming: bool
) -> None:
    monkeypatch.setattr(asgi, "STOP_GRACE_SECONDS", 0)
    monkeypatch.setattr(clock, "TICK_SECONDS", 0)
    received: list[int] = []
    for each in SIGNALS:
        signal.signal(each, lambda got, frame: received.append(got))

    @server.tool
    async def endless() -> None:
        await asyncio.Event().wait()

    lifespan = Lifespan()
    await lifespan.say("startup")
    application = StreamableHTTPConsumer.as_asgi(server=server)
    call = asyncio.ensure_future(post(application, request("tools/call", {"name": "endless"})))
    await until(lambda: watching._watched)
    if streaming:
        (watch,) = watching._watched
        await watch._reply.keep_alive()
    os.kill(os.getpid(), number)
    async with asyncio.timeout(5):
        response = await call
    assert received == [number]
    assert response.status == (200 if streaming else 503)
    assert b"The server is stopping" in response.body
    await lifespan.end()


async def test_calls_may_go_on_for_a_moment_after_the_signal(
    server: MCPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "TICK_SECONDS", 0)
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    go_on = asyncio.Event()

    @server.tool
    async def tool() -> str:
        await go_on.wait()
        return "done"

    lifespan = Lifespan()
    await lifespan.say("startup")
    application = StreamableHTTPConsumer.as_asgi(server=server)
    call = asyncio.ensure_future(post(application, request("tools/call", {"name": "tool"})))
    await until(lambda: watching._watched)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.sleep(0.05)
    go_on.set()
    async with asyncio.timeout(5):
        assert (await call).json["result"]["content"][0]["text"] == "done"
    await lifespan.end()


async def test_a_signal_that_nobody_handles_stays_as_it_is() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lifespan = Lifespan()
    await lifespan.say("startup")
    assert [signal.getsignal(number) for number in SIGNALS] == [signal.SIG_DFL, signal.SIG_IGN]
    await lifespan.end()


async def test_the_handlers_are_given_back_when_the_server_shuts_down() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    lifespan = Lifespan()
    await lifespan.say("startup")
    await lifespan.end()
    assert [signal.getsignal(number) for number in SIGNALS] == before


async def test_a_handler_that_came_later_is_left_alone_at_the_end() -> None:
    lifespan = Lifespan()
    await lifespan.say("startup")

    def later(number: int, frame: Any) -> None:
        """Be the handler of somebody else."""

    signal.signal(signal.SIGINT, later)
    await lifespan.end()
    assert signal.getsignal(signal.SIGINT) is later


def test_a_server_in_a_thread_leaves_signals_alone() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    seen: list[Any] = []

    async def serve() -> None:
        lifespan = Lifespan()
        await lifespan.say("startup")
        seen.extend(signal.getsignal(number) for number in SIGNALS)
        await lifespan.end()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    thread.join(10)
    assert seen == before
