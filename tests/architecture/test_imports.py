"""What a process pays that only declares: ``manage.py migrate`` must not load the SDK, nor pydantic because of us.

Each test starts a fresh interpreter, as what is loaded once stays. import-linter watches the same from the source.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import PACKAGE

HEAVY = ("mcp", "mcp_types", "pydantic", "pydantic_core", "starlette")

LIGHT = (
    "apps",
    "asgi",
    "checks",
    "conf",
    "endpoints",
    "engine.content",
    "engine.context",
    "exceptions",
    "registry",
    "signals",
    "threads",
)
"""Modules that a project's start, its commands and its ``mcp.py`` import."""

REPORT = "import json, sys; print(json.dumps([name for name in {names} if name in sys.modules]))"

MCP_PY = '''
from __future__ import annotations

from mcp_django import AssistantMessage, Audio, Context, Image, MCPServer, Progress, ResourceError, ToolError, mcp

reports = MCPServer("reports", instructions="Ask me about reports.")


@mcp.tool
def search(text: str, limit: int = 10) -> list[str]:
    """Find polls."""
    return []


@mcp.tool(destructive=False, timeout=30, tags=["votes"])
async def vote(choice: int, ctx: Context) -> dict[str, int]:
    """Vote."""
    raise ToolError("There is no such choice.")


@mcp.resource("polls://{poll_id}", mime_type="application/json")
def poll(poll_id: int) -> dict[str, int]:
    return {"id": poll_id}


@reports.prompt
def summarise(poll_id: int) -> str:
    return "Summarise."


@reports.completion(prompt="summarise", argument="poll_id")
def poll_ids(text: str) -> list[str]:
    return []


@mcp.custom_route("/health", name="health")
def health(request):
    return None
'''

START = """
from django.conf import settings

settings.configure(
    INSTALLED_APPS=[
        "daphne",
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
        "oauth2_provider",
        "mcp_django",
        "polls",
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    ASGI_APPLICATION="project.asgi.application",
    ROOT_URLCONF="mcp_django.urls",
    SILENCED_SYSTEM_CHECKS=["admin.E403", "admin.E408", "admin.E409", "admin.E410"],
    USE_TZ=True,
)
import django

django.setup()
"""

DISCOVER = """
from mcp_django.registry import discover, servers

discover()
assert [server.name for server in servers()] == ["", "reports"], servers()
assert [tool.key for tool in servers()[0].declarations("tool")] == ["search", "vote"]
"""

IDLE = (
    "activity.recorder",
    "dashboard.page",
    "engine.dispatcher",
    "oauth",
    "routes",
    "sessions.hub",
    "threads",
    "transports",
)
"""What of ours a command has no use for that serves nobody, though the admin is in its URLs."""

URLS = """
from django.contrib import admin
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]
"""

CHECK = """
from django.core.management import call_command
from django.urls import resolve

call_command("check")
assert resolve("/mcp/reports").url_name == "endpoint-reports"
"""


def loaded(code: str, folder: Path = PACKAGE.parent, names: tuple[str, ...] = HEAVY) -> list[str]:
    """Run ``code`` in an interpreter of its own and return which of these modules are loaded at its end."""
    ran = subprocess.run(
        [sys.executable, "-c", f"{code}\n{REPORT.format(names=names)}"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found: list[str] = json.loads(ran.stdout.splitlines()[-1])
    return found


@pytest.fixture
def polls(tmp_path: Path) -> Path:
    """A folder with an app whose ``mcp.py`` uses only our decorators."""
    app = tmp_path / "polls"
    app.mkdir()
    (app / "__init__.py").touch()
    (app / "mcp.py").write_text(MCP_PY, encoding="utf-8")
    return tmp_path


def test_importing_the_package_loads_no_sdk() -> None:
    assert loaded("import mcp_django") == []


def test_the_modules_below_the_engine_load_no_sdk() -> None:
    assert loaded(f"import {', '.join(f'mcp_django.{module}' for module in LIGHT)}") == []


def test_starting_django_finding_the_declarations_and_checking_the_project_loads_no_sdk(polls: Path) -> None:
    assert loaded(START + DISCOVER + CHECK, polls) == []


def test_a_command_imports_nothing_of_ours_that_only_serving_needs(polls: Path) -> None:
    (polls / "polls" / "mcp.py").write_text(MCP_PY.partition("@mcp.custom_route")[0], encoding="utf-8")
    (polls / "urls.py").write_text(URLS, encoding="utf-8")
    start = START.replace('"mcp_django.urls"', '"urls"').replace('"oauth2_provider",', "")
    check = "from django.core.management import call_command; call_command('check')"
    assert loaded(start + check, polls, tuple(f"mcp_django.{name}" for name in IDLE)) == []


def test_the_first_request_to_a_view_loads_the_sdk(polls: Path) -> None:
    ask = (
        "from django.test import Client; assert Client().get('/mcp', headers={'host': 'localhost'}).status_code == 421"
    )
    assert loaded(START + DISCOVER + CHECK + ask, polls) == list(HEAVY)


def test_serving_over_http_does_load_the_sdk(polls: Path) -> None:
    """So the tests above could fail."""
    assert loaded(START + "import mcp_django.transports.streamable_http", polls) == list(HEAVY)
