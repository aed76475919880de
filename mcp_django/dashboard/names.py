"""What people call a server."""

from __future__ import annotations

from django.conf import settings

from mcp_django.conf import get_settings
from mcp_django.registry import MCPServer


def name_of(server: MCPServer) -> str:
    """Return a server's name for people."""
    if server.name:
        return server.title or server.name
    configured = get_settings()
    return configured.TITLE or configured.NAME or str(settings.ROOT_URLCONF).partition(".")[0]
