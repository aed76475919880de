"""The routes that come with the package, where ``BUILTIN_ROUTES`` switches them on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connections
from django.db.transaction import non_atomic_requests

from mcp_django.conf import get_settings
from mcp_django.registry import RouteDeclaration, mcp
from mcp_django.routes.compilation import Route, compile_route
from mcp_django.routes.health import livez, readyz
from mcp_django.routes.info import server_info, transport_info
from mcp_django.routes.openapi_pages import openapi, openapi_page

_BUILTIN: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("/livez", "livez", livez),
    ("/readyz", "readyz", readyz),
    ("/server-info", "server_info", server_info),
    ("/transport-info", "transport_info", transport_info),
    ("/openapi.json", "openapi", openapi),
    ("/openapi", "openapi_page", openapi_page),
)


def builtin_routes() -> list[Route]:
    """Return the routes of the package that this project wants: none, or all."""
    if not get_settings().BUILTIN_ROUTES:
        return []
    for alias in connections:  # they say what is wrong with a database, so they open no transaction on it
        for _, _, fn in _BUILTIN:
            non_atomic_requests(alias)(fn)
    declarations = (
        RouteDeclaration(fn=fn, path=path, name=name, public=True, include_in_schema=False)
        for path, name, fn in _BUILTIN
    )
    return [compile_route(declaration, mcp, builtin=True) for declaration in declarations]
