from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.cache import cache
from django.http import HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import clear_url_caches, path

from mcp_django import MCPServer
from tests.views import in_the_urlconf

Ask = Callable[..., Any]


class Site:
    """A project of one URLconf whose views are all sync, under WSGI, or all async, under ASGI."""

    def __init__(self, kind: str, urlconf: ModuleType) -> None:
        self.kind, self._urlconf = kind, urlconf
        self._client: Any = Client() if kind == "sync" else AsyncClient()
        self._client.raise_request_exception = False

    def view(self, fn: Callable[..., Any] = lambda request: HttpResponse("ok")) -> Callable[..., Any]:
        """Return a view of the site's kind that does what ``fn`` does, which blocks for nothing."""

        async def view(request: Any, *args: Any, **kwargs: Any) -> Any:
            return fn(request, *args, **kwargs)

        def sync_view(request: Any, *args: Any, **kwargs: Any) -> Any:
            return fn(request, *args, **kwargs)

        return view if self.kind == "async" else sync_view

    def add(self, view: Callable[..., Any], route: str = "view/") -> None:
        """Add a view to the URLconf."""
        self._urlconf.urlpatterns.append(path(route, view))
        clear_url_caches()

    def send(self, method: str = "GET", url: str = "/view/", body: Any = b"", kind: str = "", **options: Any) -> Any:
        """Return the response to a request, which has gone through all of Django's middleware."""
        if self.kind == "sync":
            return self._client.generic(method, url, body, kind, **options)

        async def send() -> Any:
            return await self._client.generic(method, url, body, kind, **options)

        return async_to_sync(send)()

    def log_in(self, user: Any) -> None:
        """Send the user's session from now on."""
        self._client.force_login(user)


@pytest.fixture(params=["sync", "async"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A project in both kinds."""
    urlconf = ModuleType("urlconf")
    vars(urlconf)["urlpatterns"] = []
    cache.clear()
    with override_settings(ROOT_URLCONF=urlconf):
        yield Site(request.param, urlconf)
    cache.clear()


@pytest.fixture(params=["wsgi", "asgi"])
def ask(request: pytest.FixtureRequest, no_demo: None, server: MCPServer) -> Ask:
    """Send a request to the routes declared by now, through either of Django's handlers: ``await ask("GET", "/x")``."""

    async def ask(method: str, path: str, body: Any = b"", *, settings: Any = None, **options: Any) -> Any:
        with in_the_urlconf(**(settings or {})):
            if request.param == "asgi":
                client = AsyncClient(raise_request_exception=False, enforce_csrf_checks=True)
                response = await client.generic(method, path, body, **options)
                if response.streaming:
                    parts = response.streaming_content
                    response.parts = [part async for part in parts] if response.is_async else list(parts)
                return response
            return await sync_to_async(_ask_wsgi)(method, path, body, options)

    return ask


def _ask_wsgi(method: str, path: str, body: Any, options: dict[str, Any]) -> Any:
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    response: Any = client.generic(method, path, body, **options)
    if response.streaming:
        response.parts = list(response.streaming_content)
    return response
