"""README.md: what it tells people to paste."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from mcp_django.management.commands.runmcp import endpoint_url
from tests.docs.conftest import Ask, Load
from tests.docs.pages import ROOT, blocks
from tests.wire import post, request


def configurations() -> list[dict[str, Any]]:
    return [json.loads(block.body) for block in blocks(ROOT / "README.md") if block.language == "json"]


def servers() -> list[dict[str, Any]]:
    return [
        configuration.get("mcpServers", configuration.get("servers"))["atlas"] for configuration in configurations()
    ]


def test_the_three_lines_of_settings_install_the_app() -> None:
    settings = import_module("docs.examples.quickstart.settings")
    assert settings.INSTALLED_APPS[:2] == ["daphne", "mcp_django"]
    assert settings.ASGI_APPLICATION == "project.asgi.application"
    assert settings.MCP_DJANGO == {"AUTH": "none"}


@pytest.mark.anyio
@pytest.mark.django_db(transaction=True)
async def test_six_lines_and_a_function_serve_a_tool(
    load: Load, ask: Ask, routed: Callable[[], None], question: Any
) -> None:
    load("docs.examples.quickstart.polls")
    routed()
    application = load("docs.examples.quickstart.asgi").application
    call = request("tools/call", {"name": "count_questions", "arguments": {"text": "new"}})
    assert (await post(application, call)).json["result"]["structuredContent"] == {"result": 1}


def test_clients_over_http_connect_to_the_endpoint_of_the_demo() -> None:
    url = endpoint_url("127.0.0.1", 8000, "mcp")
    assert [server["url"] for server in servers() if "url" in server] == [url, url]
    assert url in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_client_over_stdio_starts_what_is_there() -> None:
    (server,) = [server for server in servers() if "command" in server]
    manage, *arguments = server["args"]
    assert (ROOT / Path(manage).relative_to("/path/to/clone")).is_file()
    assert arguments == ["runmcp", "--stdio"]
    assert server["command"] == "/path/to/clone/.venv/bin/python"
