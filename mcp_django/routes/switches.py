"""Whether a route is switched on, as the rows say now.

Where this loop serves (ASGI), the hub hears of a switch, as the endpoint does. Under WSGI a request has a loop of its
own, which hears nothing: there the rows are read again after a moment.
"""

from __future__ import annotations

from time import monotonic

from asgiref.sync import sync_to_async
from django.http import HttpRequest

from mcp_django.engine.switches import read_or_keep, read_switches
from mcp_django.registry import MCPServer
from mcp_django.routes.compilation import Route

WSGI_SECONDS = 1
"""Under WSGI, a switch that was set at another process is heeded so late at most."""


async def bring_up_to_date(server: MCPServer, request: HttpRequest) -> None:
    """Read the switches of a server if they may have changed. What can't be read stays as it was known."""
    if hasattr(request, "scope"):
        if server.unread:
            await read_switches(server)
    elif monotonic() - server.read_at >= WSGI_SECONDS:
        await sync_to_async(read_or_keep)(server)


async def switched_on(routes: list[Route], request: HttpRequest) -> list[Route]:
    """Return those of some routes that are on. Those that come with the package always are."""
    for server in {route.server for route in routes if not route.builtin}:
        await bring_up_to_date(server, request)
    return [route for route in routes if route.builtin or route.server.is_enabled("route", route.declaration.key)]
