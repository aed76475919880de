"""What is served here, for people and programs that look around."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from mcp_django.auth.address import urls_of
from mcp_django.conf import get_settings
from mcp_django.registry import Kind, MCPServer, servers
from mcp_django.routes.responses import is_asgi
from mcp_django.transports.scopes import scope_of

_KINDS: tuple[Kind, ...] = ("tool", "resource", "prompt", "route")


def server_info(request: HttpRequest) -> dict[str, Any]:
    """Say which servers there are, and where to sign in. Who has signed in also reads versions and numbers."""
    return {"servers": [_describe(server, request) for server in servers()]}


def transport_info(request: HttpRequest) -> dict[str, Any]:
    """Say over which transports each server is reached, in which protocol revisions."""
    from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

    handshake, modern = list(HANDSHAKE_PROTOCOL_VERSIONS), list(MODERN_PROTOCOL_VERSIONS)
    found = []
    for server in servers():
        url = _urls(server, request)[0]
        transports: list[dict[str, Any]] = [
            {"type": "streamable-http", "url": url, "streams": is_asgi(request), "revisions": [*handshake, *modern]}
        ]
        if get_settings().SSE and is_asgi(request):
            transports.append({"type": "sse", "url": f"{url}/sse", "streams": True, "revisions": handshake})
        found.append({"server": server.path, "transports": transports})
    return {"servers": found}


def _describe(server: MCPServer, request: HttpRequest) -> dict[str, Any]:
    from mcp_django.engine.server import get_engine

    url, metadata = _urls(server, request)
    said = get_engine(server).server_info
    info: dict[str, Any] = {name: said[name] for name in ("name", "title", "description", "websiteUrl") if name in said}
    info |= {"url": url, "auth": get_settings().AUTH}
    if get_settings().AUTH != "none":
        info["resource_metadata"] = metadata
    if get_settings().AUTH == "none" or request.principal.kind in ("token", "key"):  # type: ignore[attr-defined]
        info["version"] = said["version"]
        info["components"] = {f"{kind}s": len(server.declarations(kind)) for kind in _KINDS}
    return info


def _urls(server: MCPServer, request: HttpRequest) -> tuple[str, str]:
    request.get_host()  # refuses one that isn't in ALLOWED_HOSTS
    return urls_of(server, scope_of(request), {name.lower(): value for name, value in request.headers.items()})
