"""What to paste into each client, so that it connects to this project."""

from __future__ import annotations

import json
import shlex
import sys
from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.utils.translation import gettext_lazy

from mcp_django.conf import get_settings
from mcp_django.dashboard.page import Page
from mcp_django.endpoints import endpoint
from mcp_django.registry import discover, servers


@dataclass(frozen=True, slots=True)
class Client:
    """One client."""

    name: str
    where: Any
    """Where the text goes."""

    text: str
    link: str = ""
    """What does it by a click. Empty: nothing does."""


class ConnectPage(Page):
    """The configuration of each known client, for each server."""

    title = gettext_lazy("Connect")
    permission = "mcp_django.view_dashboard"
    template_name = "admin/mcp_django/connect.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        discover()
        shown = []
        for server in servers():
            name = server.name or get_settings().NAME or settings.ROOT_URLCONF.partition(".")[0]
            url = self.request.build_absolute_uri(f"/{endpoint(server)}")
            shown.append({"name": name, "url": url, "clients": clients(name, url, server.path)})
        return super().get_context_data(servers=shown, auth=get_settings().AUTH, **kwargs)


def clients(name: str, url: str, path: str) -> list[Client]:
    """Return the configurations for a server.

    Args:
        url: its endpoint.
        path: names it for ``runmcp --stdio``.
    """
    return [*_commands(name, url, path), *_by_click(name, url), *_by_hand(name, url)]


def _commands(name: str, url: str, path: str) -> list[Client]:
    shell, there = gettext_lazy("in a shell"), shlex.quote(url)
    inspector = f"npx @modelcontextprotocol/inspector --transport http --server-url {there}"
    stdio = [sys.executable, "manage.py", "runmcp", "--stdio", *(["--server", path] if path else [])]
    return [
        Client("Claude Code", shell, f"claude mcp add --transport http {shlex.quote(name)} {there}"),
        Client("MCP Inspector", shell, inspector),
        Client("stdio", gettext_lazy("on this machine, without HTTP"), shlex.join(stdio)),
    ]


def _by_click(name: str, url: str) -> list[Client]:
    code = {"name": name, "type": "http", "url": url}
    cursor = urlencode({"name": name, "config": b64encode(json.dumps({"url": url}).encode()).decode("ascii")})
    return [
        Client(
            "VS Code",
            ".vscode/mcp.json",
            _json({"servers": {name: {"type": "http", "url": url}}}),
            f"vscode:mcp/install?{quote(json.dumps(code))}",
        ),
        Client(
            "Cursor",
            "~/.cursor/mcp.json",
            _json({"mcpServers": {name: {"url": url}}}),
            f"cursor://anysphere.cursor-deeplink/mcp/install?{cursor}",
        ),
    ]


def _by_hand(name: str, url: str) -> list[Client]:
    bridge = {"command": "npx", "args": ["-y", "mcp-remote", url]}
    return [
        Client("Claude Desktop, claude.ai", gettext_lazy("Settings, Connectors, Add custom connector"), url),
        Client("ChatGPT", gettext_lazy("Settings, Connectors, Create (developer mode)"), url),
        Client("mcp-remote", gettext_lazy("for clients of stdio only"), _json({"mcpServers": {name: bridge}})),
        Client("Python SDK", gettext_lazy("in Python"), PYTHON % {"url": url}),
    ]


PYTHON = """from mcp import Client

async with Client("%(url)s") as client:
    print(await client.list_tools())"""


def _json(value: Any) -> str:
    return json.dumps(value, indent=2)
