from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from typing import Any

import httpx2
import pytest
from django.core.management.commands import flush
from django.db import connections
from django.db.models import Model
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from mcp_django import MCPServer, mcp, threads
from mcp_django.registry import server as registered
from mcp_django.transports import loop
from mcp_django.transports.streamable_http import StreamableHTTPConsumer

Connect = Callable[..., AbstractAsyncContextManager[Client]]

ERAS = ("legacy", "auto", "2026-07-28")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _fresh_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test declare servers of its own."""
    monkeypatch.setattr(registered, "_servers", dict(registered._servers))


@pytest.fixture
def no_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the demo's components not count, imported or not."""
    import_module("project.atlas.mcp")
    monkeypatch.setattr(mcp, "_declarations", {})


@pytest.fixture(autouse=True)
def _read_switches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let servers not ask the database what is switched off, save in the tests of that, which set it back."""
    monkeypatch.setattr(MCPServer, "unread", False)
    monkeypatch.setattr(MCPServer, "read_at", float("inf"))


@pytest.fixture(scope="session", autouse=True)
def _quick_flush() -> Iterator[None]:
    """After a flush, put the content types and permissions back as they were: to have each app make its own is slow.

    pytest-django empties the tables with it after each test that has transactions of its own.
    """
    from django.contrib.auth.models import Permission  # once the apps are loaded
    from django.contrib.contenttypes.models import ContentType

    kept: list[tuple[type[Model], list[Model]]] = []
    emit = flush.emit_post_migrate_signal

    def restore(verbosity: int, interactive: bool, database: str) -> None:
        if not kept:
            emit(verbosity, interactive, database)
            kept.extend((model, list(model._default_manager.all())) for model in (ContentType, Permission))
            return
        for model, rows in kept:
            model._default_manager.bulk_create(rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush, "emit_post_migrate_signal", restore)
        yield


@pytest.fixture(autouse=True)
def _fresh_threads() -> Iterator[None]:
    """Leave neither a loop that hears what later tests tell nor a thread with a connection to the database behind."""
    yield
    loop.stop_loop()
    threads.close_pools()


@pytest.fixture
def server() -> MCPServer:
    """A server without components."""
    return MCPServer("fixture", version="1.0")


@pytest.fixture
def living_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the connections of threads outlive a call, as ``CONN_MAX_AGE`` should."""
    for database in connections.settings.values():
        monkeypatch.setitem(database, "CONN_MAX_AGE", 60)


@pytest.fixture
def limited(settings: Any) -> Callable[..., None]:
    """Change settings of ``MCP_DJANGO``: ``limited(MAX_STREAMS=2)``."""

    def limited(**keys: Any) -> None:
        settings.MCP_DJANGO = {**settings.MCP_DJANGO, **keys}

    return limited


@pytest.fixture
def application(server: MCPServer) -> Any:
    """The server's endpoint as an ASGI application."""
    return StreamableHTTPConsumer.as_asgi(server=server)


@pytest.fixture
def connect(application: Any) -> Connect:
    """Connect the official client to ``server`` through its ASGI application: ``async with connect("auto")``."""

    @asynccontextmanager
    async def connect(mode: str = "auto", **options: Any) -> AsyncIterator[Client]:
        transport = httpx2.ASGITransport(app=application)
        async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as http:
            road = streamable_http_client("http://testserver/mcp", http_client=http)
            async with Client(road, mode=mode, **options) as client:
                yield client

    return connect


@pytest.fixture(params=ERAS)
def era(request: pytest.FixtureRequest) -> str:
    """How the official client connects: the handshake, its own choice, or 2026-07-28."""
    return str(request.param)
