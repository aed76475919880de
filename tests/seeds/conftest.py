"""A project of one block or several, as a process that starts with it serves it, and its clients."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx2
import pytest
from django.core.asgi import get_asgi_application
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.urls import clear_url_caches
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from mcp_django import urls
from mcp_django.asgi import by_path
from mcp_django.auth import create_key
from mcp_django.fastmcp import FastMCPWarning
from mcp_django.registry import MCPServer
from mcp_django.registry import server as registered
from mcp_django.registry.discovery import settle_default
from mcp_django.routing import get_http_applications


class Site:
    """The project, under way."""

    def __init__(self, module: ModuleType, said: list[str]) -> None:
        self.module = module
        self.said = said
        """What was warned of when the module was imported."""

    @property
    def mcp(self) -> Any:
        return self.module.mcp

    @property
    def application(self) -> Any:
        return by_path(get_http_applications(), get_asgi_application())

    @asynccontextmanager
    async def http(self, **headers: str) -> AsyncIterator[httpx2.AsyncClient]:
        """A client of the project over HTTP."""
        transport = httpx2.ASGITransport(app=self.application, raise_app_exceptions=False)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with httpx2.AsyncClient(transport=transport, base_url="http://testserver", headers=named) as client:
            yield client

    @asynccontextmanager
    async def client(
        self, path: str = "mcp", mode: str = "auto", key: str = "", **options: Any
    ) -> AsyncIterator[Client]:
        """The official client, connected to the endpoint at ``path``."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        async with (
            self.http(**headers) as http,
            Client(
                streamable_http_client(f"http://testserver/{path}", http_client=http), mode=mode, **options
            ) as client,
        ):
            yield client


Serve = Callable[..., Site]


@pytest.fixture
def connections_of_requests() -> Iterator[None]:
    """Close what Django leaves to the collector: it opens a thread, and a connection, for each request to a view.

    It never closes a database in memory, whose last connection would take it along.
    """
    left: list[BaseDatabaseWrapper] = []

    def keep(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
        name = threading.current_thread().name
        if name != threading.main_thread().name and not name.startswith("mcp_django"):
            left.append(connection)

    connection_created.connect(keep)
    yield
    connection_created.disconnect(keep)
    for each in left:
        each.inc_thread_sharing()
        BaseDatabaseWrapper.close(each)


@pytest.fixture
def serve(
    monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path, connections_of_requests: None
) -> Iterator[Serve]:
    """Serve a block, with settings of ``MCP_DJANGO``: ``serve("faq.server", AUTH="required")``."""
    settings.ROOT_URLCONF = "tests.seeds.urls"
    settings.MEDIA_ROOT = str(tmp_path)
    monkeypatch.setattr(registered, "_servers", {})
    MCPServer("", path="")
    loaded = []

    def serve(name: str, **keys: Any) -> Site:
        settings.MCP_DJANGO = {**settings.MCP_DJANGO, **keys}
        for known in [
            each for each in sys.modules if each.startswith(("tests.seeds.faq.", "tests.seeds.custom_routes."))
        ]:
            del sys.modules[known]
        loaded.append(f"tests.seeds.{name}")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", FastMCPWarning)
            module = import_module(loaded[-1])
        settle_default()
        urls._kept.cache_clear()
        clear_url_caches()
        return Site(module, [str(each.message) for each in caught])

    yield serve
    urls._kept.cache_clear()
    clear_url_caches()
    for name in loaded:
        sys.modules.pop(name, None)


@pytest.fixture
def key_of(transactional_db: None, django_user_model: Any) -> Callable[..., str]:
    """The API key of a new user: ``key_of("alice", "read", "write")``, with these scopes."""

    def key_of(name: str, *scopes: str, **fields: Any) -> str:
        user = django_user_model.objects.create_user(name, **fields)
        return create_key(name, user, scopes)

    return key_of


@pytest.fixture
def api_key(key_of: Callable[..., str], settings: Any) -> str:
    """The API key of a user without scopes, where one can sign in."""
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "AUTH": "optional"}
    return key_of("somebody")
