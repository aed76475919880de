"""The endpoints in a project's URLconf."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import override_settings
from django.urls import Resolver404, resolve, reverse

from mcp_django import MCPServer, urls
from tests.views import in_the_urlconf, post_to_view
from tests.wire import request

MIDDLEWARE = ["django.middleware.common.CommonMiddleware", "django.middleware.security.SecurityMiddleware"]


def declare(*paths: str) -> None:
    """Declare a server at each path, with a tool named after it."""
    for path in paths:
        MCPServer(path.replace("/", "-"), path=path).add_tool(lambda: None, path.replace("/", "-"))


def names_at(path: str) -> list[str]:
    response = post_to_view(request("tools/list"), path=path)
    assert response.status == 200
    return [tool["name"] for tool in response.json["result"]["tools"]]


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("middleware", [[], MIDDLEWARE], ids=["bare", "usual"])
def test_every_server_answers_at_its_endpoint_with_or_without_a_slash(slash: str, middleware: list[str]) -> None:
    declare("one", "one/deeper")
    with in_the_urlconf(MIDDLEWARE=middleware):
        assert names_at(f"/mcp/one{slash}") == ["one"]
        assert names_at(f"/mcp/one/deeper{slash}") == ["one-deeper"]
        assert "one" not in names_at(f"/mcp{slash}")


@pytest.mark.parametrize("path", ["/", "/mcpx", "/mcp/onex", "/mcp//", "/x/mcp", "/mcp/none"])
def test_no_other_path_is_taken(path: str) -> None:
    declare("one")
    with in_the_urlconf(), pytest.raises(Resolver404):
        resolve(path)


def test_the_endpoints_have_names() -> None:
    declare("one")
    with in_the_urlconf():
        assert reverse("mcp:endpoint") == "/mcp"
        assert reverse("mcp:endpoint-one") == "/mcp/one"


def test_the_prefix_is_a_setting() -> None:
    with override_settings(MCP_DJANGO={"PATH": "agents"}), in_the_urlconf():
        assert reverse("mcp:endpoint") == "/agents"


PROJECT = {
    "urls.py": """
from django.urls import include, path

urlpatterns = [path("", include("mcp_django.urls"))]
ROUTED = True
""",
    "polls/__init__.py": "",
    "polls/mcp.py": """
from urls import ROUTED, urlpatterns

from mcp_django import MCPServer

first = MCPServer("first")
second = MCPServer("second")
""",
}

START = """
from django.conf import settings

settings.configure(INSTALLED_APPS=["mcp_django", "polls"], ROOT_URLCONF="urls")
import django

django.setup()
"""

RESOLVE = """
from django.urls import resolve

assert [resolve(path).url_name for path in ("/mcp", "/mcp/first", "/mcp/second")] == [
    "endpoint", "endpoint-first", "endpoint-second"
]
"""


@pytest.mark.parametrize("first", ["import urls", "from mcp_django.registry import discover; discover()", ""])
def test_an_mcp_py_may_import_the_urlconf(first: str, tmp_path: Path) -> None:
    (tmp_path / "polls").mkdir()
    for name, text in PROJECT.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    root = Path(urls.__file__).parent.parent
    ran = subprocess.run(
        [sys.executable, "-c", f"{START}\n{first}\n{RESOLVE}"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


def test_the_authorization_server_is_there_where_there_is_sign_in() -> None:
    for auth, there in (("required", True), ("optional", True), ("none", False)):
        with override_settings(MCP_DJANGO={"AUTH": auth}):
            patterns = [str(getattr(each, "app_name", "")) for each in urls.get_urlpatterns()]
            assert ("oauth2_provider" in patterns) is there
