"""The MCP endpoints, for Channels' ``URLRouter``. Importing this finds and compiles every declaration.

Raises whatever is wrong with a declaration, so that a server with a bad tool doesn't start.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.urls import URLPattern, re_path

from mcp_django.conf import get_settings
from mcp_django.endpoints import endpoint, pattern
from mcp_django.engine.server import get_engine
from mcp_django.registry import discover, servers
from mcp_django.transports.sse import MESSAGES, STREAM, MessagesConsumer, SSEConsumer
from mcp_django.transports.streamable_http import StreamableHTTPConsumer

__all__ = ["endpoint", "get_http_urlpatterns", "http_urlpatterns"]


def get_http_urlpatterns() -> list[URLPattern]:
    """Return a route for each server; the path may end in a slash, and is never redirected."""
    return [re_path(pattern(path), application) for path, application in get_http_applications().items()]


def get_http_applications() -> dict[str, Any]:
    """Return the ASGI application of each endpoint, by its path; those of the HTTP+SSE transport if it is on.

    Raises:
        ImproperlyConfigured: two of them want the same path.
    """
    discover()
    for server in servers():
        get_engine(server)  # what can't be served is said now, and not on the first call
    applications = {endpoint(server): StreamableHTTPConsumer.as_asgi(server=server) for server in servers()}
    if get_settings().SSE:
        for path, application in _sse_applications().items():
            if path in applications:
                raise ImproperlyConfigured(
                    f"Two things want the path /{path}: an MCP server, and the HTTP+SSE transport of another one. "
                    f"Give the server another path, or switch settings.MCP_DJANGO['SSE'] off."
                )
            applications[path] = application
    return applications


def _sse_applications() -> dict[str, Any]:
    applications = {}
    for server in servers():
        applications[f"{endpoint(server)}/{STREAM}"] = SSEConsumer.as_asgi(server=server)
        applications[f"{endpoint(server)}/{MESSAGES}"] = MessagesConsumer.as_asgi(server=server)
    return applications


http_urlpatterns = get_http_urlpatterns()
"""For a project that builds its own ``URLRouter``."""
