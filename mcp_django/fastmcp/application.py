"""One server and its routes as an ASGI application by itself: ``FastMCP.streamable_http_app``."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from django.core.handlers.asgi import ASGIHandler
from django.urls import URLResolver, include, path

from mcp_django.asgi import Application, by_path
from mcp_django.registry import RouteDeclaration
from mcp_django.routes.compilation import compile_route
from mcp_django.routes.urlpatterns import patterns_of
from mcp_django.transports.streamable_http import StreamableHTTPConsumer

if TYPE_CHECKING:
    from mcp_django.fastmcp.server import FastMCP


def make_application(server: FastMCP) -> Application:
    """Return the application. Its routes are those that are declared by now."""
    endpoint = server.settings.streamable_http_path.strip("/")
    django_application: Any = RoutesHandler(server)
    return by_path({endpoint: StreamableHTTPConsumer.as_asgi(server=server)}, django_application)


class Routes(ModuleType):
    """A URLconf: Django wants an object that can be hashed."""

    urlpatterns: list[URLResolver]


class RoutesHandler(ASGIHandler):
    """Django, its middleware included, with the routes of one server for its URLs."""

    def __init__(self, server: FastMCP) -> None:
        super().__init__()
        self._urlconf: Any = Routes(f"routes of {server.name}")
        routes = [
            compile_route(each, server) for each in server.declarations("route") if isinstance(each, RouteDeclaration)
        ]
        self._urlconf.urlpatterns = [path("", include((patterns_of(routes), "mcp")))]

    def create_request(self, scope: Any, body_file: Any) -> Any:
        """Make a request that is resolved by these URLs."""
        request, refusal = super().create_request(scope, body_file)
        if request is not None:
            request.urlconf = self._urlconf
        return request, refusal
