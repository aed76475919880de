"""The MCP endpoints, for Channels' ``URLRouter``. Importing this finds and compiles every declaration.

Raises whatever is wrong with a declaration, so that a server with a bad tool doesn't start.
"""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, re_path

from mcp_django.endpoints import endpoint, pattern
from mcp_django.engine.server import get_engine
from mcp_django.registry import discover, servers
from mcp_django.transports.streamable_http import StreamableHTTPConsumer

__all__ = ["endpoint", "get_http_urlpatterns", "http_urlpatterns"]


def get_http_urlpatterns() -> list[URLPattern]:
    """Return a route for each server; the path may end in a slash, and is never redirected."""
    return [re_path(pattern(path), application) for path, application in get_http_applications().items()]


def get_http_applications() -> dict[str, Any]:
    """Return the ASGI application of each endpoint, by its path."""
    discover()
    for server in servers():
        get_engine(server)  # what can't be served is said now, and not on the first call
    return {endpoint(server): StreamableHTTPConsumer.as_asgi(server=server) for server in servers()}


http_urlpatterns = get_http_urlpatterns()
"""For a project that builds its own ``URLRouter``."""
