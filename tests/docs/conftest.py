"""The examples of the documentation, loaded onto servers of their own, with the tutorial's app and its tables."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

import httpx2
import pytest
from django.db import connection
from django.utils import timezone
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

import mcp_django.registry
from mcp_django import MCPServer, routing
from mcp_django.registry import server as registered
from mcp_django.transports.streamable_http import StreamableHTTPConsumer
from tests.docs.pages import EXAMPLES

Load = Callable[[str], ModuleType]
Ask = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def default_server(monkeypatch: pytest.MonkeyPatch) -> MCPServer:
    """An empty default server, and no other, for as long as the test runs."""
    monkeypatch.setattr(registered, "_servers", {})
    server = MCPServer("", path="")
    monkeypatch.setattr(registered, "mcp", server)
    monkeypatch.setattr(mcp_django.registry, "mcp", server)
    return server


@pytest.fixture
def polls(transactional_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The tutorial's app, installed, with its tables; the module of its models."""
    monkeypatch.syspath_prepend(str(EXAMPLES / "tutorial"))
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "polls"]
    models = import_module("polls.models")
    with connection.schema_editor() as editor:
        editor.create_model(models.Question)
        editor.create_model(models.Choice)
    yield models
    with connection.schema_editor() as editor:
        editor.delete_model(models.Choice)
        editor.delete_model(models.Question)


@pytest.fixture
def question(polls: Any) -> Any:
    """``What is new?`` with the choices ``Not much`` (3 votes) and ``The sky`` (none)."""
    question = polls.Question.objects.create(question_text="What is new?", pub_date=timezone.now())
    question.choices.create(choice_text="Not much", votes=3)
    question.choices.create(choice_text="The sky")
    return question


@pytest.fixture
def load(polls: Any, default_server: MCPServer) -> Iterator[Load]:
    """Import an example anew, so that it declares on this test's servers: ``load("docs.examples.tools")``."""
    loaded = []

    def load(name: str) -> ModuleType:
        sys.modules.pop(name, None)
        loaded.append(name)
        return import_module(name)

    yield load
    for name in loaded:
        sys.modules.pop(name, None)


@pytest.fixture
def ask(default_server: MCPServer) -> Ask:
    """Connect the official client to the default server, or another: ``async with ask() as client``."""

    @asynccontextmanager
    async def ask(server: MCPServer = default_server, mode: str = "auto", **options: Any) -> AsyncIterator[Client]:
        transport = httpx2.ASGITransport(app=StreamableHTTPConsumer.as_asgi(server=server))
        async with (
            httpx2.AsyncClient(transport=transport, base_url="http://testserver") as http,
            Client(streamable_http_client("http://testserver/mcp", http_client=http), mode=mode, **options) as client,
        ):
            yield client

    return ask


@pytest.fixture
def routed(default_server: MCPServer, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Route to the servers that are declared by now, as a process does that starts now."""

    def route() -> None:
        monkeypatch.setattr(routing, "http_urlpatterns", routing.get_http_urlpatterns())

    return route
