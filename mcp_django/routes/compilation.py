"""``Route``: a declaration, its server, and what both come to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mcp_django.registry import Access, MCPServer, RouteDeclaration, app_order, servers
from mcp_django.routes.access import route_access
from mcp_django.routes.handlers import Handler, handler_of
from mcp_django.routes.paths import django_path, parameters_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Route:
    """One function behind one path, for some methods."""

    declaration: RouteDeclaration
    server: MCPServer
    path: str
    """As ``django.urls.path`` takes it."""

    parameters: Mapping[str, str]
    """The converter of each parameter of the path."""

    handler: Handler
    access: Access
    builtin: bool = False
    """Whether it comes with the package: then nobody switches it off."""


def compile_route(declaration: RouteDeclaration, server: MCPServer, *, builtin: bool = False) -> Route:
    """Compile one declaration.

    Raises:
        InvalidDeclaration: its path, its function or a default of its server can't be used.
    """
    path = django_path(declaration.path)
    parameters = parameters_of(path)
    return Route(
        declaration=declaration,
        server=server,
        path=path,
        parameters=parameters,
        handler=handler_of(declaration, parameters),
        access=route_access(declaration, server),
        builtin=builtin,
    )


def declared_routes() -> Iterator[tuple[RouteDeclaration, MCPServer]]:
    """Give every route that is declared, by the order of the apps and, within one, of declaration."""
    found = [(declaration, server) for server in servers() for declaration in server.declarations("route")]
    for declaration, server in sorted(found, key=lambda each: app_order(each[0].module)):
        assert isinstance(declaration, RouteDeclaration)
        yield declaration, server
