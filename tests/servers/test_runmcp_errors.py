"""What ``manage.py runmcp`` says when it can't serve."""

from __future__ import annotations

import shutil
import socket
from contextlib import closing
from pathlib import Path

import pytest

from tests.servers.processes import SITE, run

pytestmark = pytest.mark.server

TRANSPORTS = [pytest.param(("--port", "18000"), id="HTTP"), pytest.param(("--stdio",), id="stdio")]


def refused(*options: str, directory: Path = SITE, **variables: str) -> str:
    """Run the command, expect an error that says what is wrong, and return what it wrote to stderr."""
    ended = run(directory, "manage.py", "runmcp", *options, seconds=60, **variables)
    assert (ended.returncode, ended.stdout) == (1, ""), ended.stderr
    return ended.stderr


def test_a_port_that_is_taken_is_named() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = str(other.getsockname()[1])
        complaint = refused("--port", port)
    assert f"CommandError: Could not listen on 127.0.0.1:{port}" in complaint
    assert "Traceback" not in complaint


def test_a_project_without_an_asgi_application_is_told_which_setting_is_missing() -> None:
    complaint = refused("--port", "18000", SITE_WITHOUT_ASGI="1")
    assert "ASGI_APPLICATION" in complaint
    assert "Traceback" not in complaint


def test_a_module_that_the_asgi_application_lacks_is_named(site: Path) -> None:
    (site / "asgi.py").write_text("import nowhere\n")
    complaint = refused("--port", "18000", directory=site)
    assert "CommandError: Cannot import ASGI_APPLICATION module 'asgi'" in complaint
    assert "No module named 'nowhere'" in complaint


def test_an_asgi_application_without_the_endpoints_is_not_served(site: Path) -> None:
    (site / "asgi.py").write_text(
        "from django.core.asgi import get_asgi_application\n\napplication = get_asgi_application()\n"
    )
    complaint = refused("--port", "18000", directory=site)
    assert "CommandError: The application that ASGI_APPLICATION names has no MCP endpoints" in complaint


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A copy of the site, to be broken."""
    return shutil.copytree(SITE, tmp_path / "site", ignore=shutil.ignore_patterns("__pycache__"))


@pytest.mark.parametrize("options", TRANSPORTS)
def test_an_mcp_py_that_cannot_be_imported_is_named_with_its_app(site: Path, options: tuple[str, ...]) -> None:
    break_app(site)
    complaint = refused(*options, directory=site, SITE_APPS="broken")
    assert complaint.endswith(
        "CommandError: Importing broken.mcp of the app 'broken' failed: ZeroDivisionError: division by zero\n"
    )
    assert "Traceback" not in complaint


def test_the_traceback_of_an_mcp_py_that_cannot_be_imported_is_kept(site: Path) -> None:
    break_app(site)
    complaint = refused("--port", "18000", "--traceback", directory=site, SITE_APPS="broken")
    assert "ratio = 1 / 0" in complaint
    assert "broken/mcp.py" in complaint


def break_app(site: Path) -> None:
    """Add an app with an ``mcp.py`` that raises."""
    (site / "broken").mkdir()
    (site / "broken" / "__init__.py").touch()
    (site / "broken" / "mcp.py").write_text("ratio = 1 / 0\n")


@pytest.mark.parametrize("options", TRANSPORTS)
def test_a_file_mcp_py_beside_manage_py_is_told_to_move(site: Path, options: tuple[str, ...]) -> None:
    (site / "mcp.py").write_text("tools = []\n")
    complaint = refused(*options, directory=site)
    assert f"CommandError: {site / 'mcp.py'} hides the MCP SDK" in complaint
    assert "Traceback" not in complaint


def test_an_unknown_server_is_refused_with_the_names_of_those_there_are() -> None:
    complaint = refused("--stdio", "--server", "anex")
    assert "CommandError: There is no MCP server at 'anex'. There are: '', 'annex'." in complaint
