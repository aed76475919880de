"""Where each server is found: the same for consumers and for views. Loads no SDK."""

from __future__ import annotations

import re

from mcp_django.conf import get_settings
from mcp_django.registry import MCPServer


def endpoint(server: MCPServer) -> str:
    """Return the path of a server's endpoint, such as ``"mcp/reports"``."""
    return "/".join(part for part in (get_settings().PATH, server.path) if part)


def pattern(path: str) -> str:
    """Return the regular expression of an endpoint: the path may end in a slash, and is never redirected."""
    return rf"^{re.escape(path)}/?$"
