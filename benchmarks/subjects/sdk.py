"""The SDK's own server over the same functions, as its documentation builds it: ``MCPServer`` and its HTTP app.

Its log level is raised from INFO, at which it writes a line for every request, so that no logging is measured.
As a script it serves stdio, with Django set up when an argument asks for it.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.subscriptions import SubscriptionBus

from benchmarks.subjects.frozen import freeze


def make_server(tools: int = 0, subscriptions: SubscriptionBus | None = None) -> MCPServer[Any]:
    """Return a server with the measured functions, or with so many copies of ``add``."""
    from benchmarks.subjects.functions import FUNCTIONS, add

    server: MCPServer[Any] = MCPServer("benchmarks", version="1.0", log_level="WARNING", subscriptions=subscriptions)
    for function in () if tools else FUNCTIONS:
        server.add_tool(function)
    for number in range(tools):
        server.add_tool(add, name=f"add_{number}")
    return server


def _setup_django() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.subjects.settings")
    django.setup()


def stateless_app(tools: int = 0) -> Any:
    """Return the HTTP app that keeps no sessions and answers with JSON."""
    return make_server(tools).streamable_http_app(stateless_http=True, json_response=True)


def session_app() -> Any:
    """Return the HTTP app that keeps sessions and answers with JSON."""
    return make_server().streamable_http_app(json_response=True)


def stateless() -> Any:
    """Return ``stateless_app()``, for ``uvicorn --factory``."""
    _setup_django()
    application = stateless_app()
    freeze()
    return application


def sessions() -> Any:
    """Return ``session_app()``, for ``uvicorn --factory``."""
    _setup_django()
    application = session_app()
    freeze()
    return application


if __name__ == "__main__":
    if "--django" in sys.argv:
        _setup_django()
        make_server().run()
    else:
        alone: MCPServer[Any] = MCPServer("benchmarks", version="1.0", log_level="WARNING")

        @alone.tool()
        async def add(a: int, b: int) -> int:
            """Add two numbers."""
            return a + b

        alone.run()
