"""What a project serves besides its consumers: ``path("", include("mcp_django.urls"))``.

The MCP endpoints as views; ``get_mcp_application()`` takes the same paths before Django sees them, so both can be
there. The custom routes. And, where there is sign-in, the pages and documents of the authorization server, at the root.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.apps import apps
from django.core.signals import setting_changed
from django.db import connections
from django.db.transaction import non_atomic_requests
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.utils.functional import lazy
from django.views.decorators.csrf import csrf_exempt

from mcp_django.conf import get_settings
from mcp_django.endpoints import endpoint, pattern
from mcp_django.registry import MCPServer, discover, servers
from mcp_django.routes.urlpatterns import get_route_urlpatterns

__all__ = ["get_endpoint_urlpatterns", "get_urlpatterns", "urlpatterns"]


def get_urlpatterns() -> list[URLPattern | URLResolver]:
    """Return the endpoints and routes, in the namespace ``mcp``, and the authorization server where there is sign-in.

    Raises:
        AlreadyRegistered: two routes want the same path and method.
        DiscoveryError: importing an ``mcp.py`` failed.
        InvalidDeclaration: a route can't be served.
    """
    endpoints = get_endpoint_urlpatterns()
    return [path("", include(([*endpoints, *get_route_urlpatterns()], "mcp"))), *_sign_in()]


def get_endpoint_urlpatterns() -> list[URLPattern]:
    """Return a route for each server: ``endpoint``, and ``endpoint-<name>`` of a further one.

    Raises:
        DiscoveryError: importing an ``mcp.py`` failed.
    """
    discover()
    return [_route(server) for server in servers()]


def _sign_in() -> list[URLResolver]:
    if get_settings().AUTH == "none" or not apps.is_installed("oauth2_provider"):
        return []
    return [path("", include("mcp_django.oauth.urls"))]


def _route(server: MCPServer) -> URLPattern:
    # No cookie ever signs anybody in here, so a page of another site can't act in its visitor's name.
    @csrf_exempt
    def view(request: HttpRequest) -> HttpResponse:
        from mcp_django.transports.django_view import serve  # loads the SDK, for which no other command should wait

        return serve(request, server)

    for alias in connections:  # where ATOMIC_REQUESTS says so, the call opens a transaction, on its own thread
        view = non_atomic_requests(alias)(view)
    return re_path(pattern(endpoint(server)), view, name=f"endpoint-{server.name}" if server.path else "endpoint")


_kept = cache(get_urlpatterns)

urlpatterns = lazy(_kept, list)()
"""Made when the first URL is looked for: an ``mcp.py`` may import what imports the URLconf."""


@receiver(setting_changed)
def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting in ("INSTALLED_APPS", "MCP_DJANGO"):
        _kept.cache_clear()
