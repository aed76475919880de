"""Finding every app's ``mcp.py``, once, and saying which of them is at fault."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from mcp_django import MCPServer
from mcp_django.engine.server import Engine
from mcp_django.exceptions import AlreadyRegistered, DiscoveryError
from mcp_django.registry import app_order, discover, discovery, refuse_shadow

WriteApp = Callable[[str, str | None], str]

imported: list[str] = []
"""What the apps of these tests tell of their import."""


@pytest.fixture
def write_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteApp:
    """Write an app of this name, with an ``mcp.py`` of this source; ``None``: without."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(discovery, "_outcome", False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    imported.clear()

    def write(name: str, source: str | None) -> str:
        package = tmp_path / name
        package.mkdir()
        (package / "__init__.py").touch()
        if source is not None:
            (package / "mcp.py").write_text(dedent(source))
        for module in (name, f"{name}.mcp"):  # set first, so that it is forgotten when the test ends
            monkeypatch.setitem(sys.modules, module, None)
            del sys.modules[module]
        return name

    return write


def telling(name: str) -> str:
    return f"from {__name__} import imported\nimported.append({name!r})\n"


def installed(*names: str) -> Any:
    return override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, *names])


def test_the_mcp_modules_of_all_apps_are_imported_once_in_their_order(write_app: WriteApp) -> None:
    names = [write_app("polls_app", telling("polls")), write_app("blog_app", telling("blog"))]
    with installed(*names):
        discover()
        discover()
    assert imported == ["polls", "blog"]


def test_an_app_without_an_mcp_module_is_passed_over(write_app: WriteApp) -> None:
    with installed(write_app("quiet_app", None), write_app("polls_app", telling("polls"))):
        discover()
    assert imported == ["polls"]


def test_an_mcp_module_may_itself_ask_for_discovery(write_app: WriteApp) -> None:
    source = "from mcp_django.registry import discover\ndiscover()\n" + telling("polls")
    with installed(write_app("polls_app", source)):
        discover()
    assert imported == ["polls"]


@pytest.mark.parametrize(
    ("source", "kind", "text"),
    [
        ("import no_such_module", ModuleNotFoundError, "No module named 'no_such_module'"),
        ("1 / 0", ZeroDivisionError, "division by zero"),
        ("def vote(:", SyntaxError, "invalid syntax"),
    ],
)
def test_an_error_in_an_mcp_module_names_the_app_and_keeps_its_cause(
    write_app: WriteApp, source: str, kind: type[Exception], text: str
) -> None:
    with installed(write_app("polls_app", source)), pytest.raises(DiscoveryError) as failed:
        discover()
    message = str(failed.value)
    assert message.startswith(f"Importing polls_app.mcp of the app 'polls_app' failed: {kind.__name__}: ")
    assert text in message
    assert isinstance(failed.value.__cause__, kind)
    assert failed.value.__cause__.__traceback__ is not None


def test_a_second_call_says_the_same_of_the_same_cause(write_app: WriteApp) -> None:
    source = telling("polls") + "1 / 0"
    with installed(write_app("polls_app", source)):
        with pytest.raises(DiscoveryError) as first:
            discover()
        with pytest.raises(DiscoveryError) as second:
            discover()
    assert str(second.value) == str(first.value)
    assert second.value.__cause__ is first.value.__cause__
    assert imported == ["polls"]


def test_a_component_of_two_apps_is_an_error_that_names_both(write_app: WriteApp) -> None:
    source = f"from {__name__} import shared\n@shared[0].tool\ndef vote(): ...\n"
    shared[:] = [MCPServer("shared")]
    names = [write_app("polls_app", source), write_app("blog_app", source)]
    with installed(*names), pytest.raises(DiscoveryError) as failed:
        discover()
    assert isinstance(failed.value.__cause__, AlreadyRegistered)
    assert "tool 'vote' is declared in polls_app.mcp and again in blog_app.mcp." in str(failed.value)


shared: list[MCPServer] = []
"""The server on which the apps of a test declare."""


def test_components_stand_in_the_order_of_the_apps_and_then_of_declaration(write_app: WriteApp) -> None:
    source = "from {tests} import shared\nfor name in {names}:\n    shared[0].add_tool(lambda: 1, name)\n"
    server = MCPServer("shared")
    shared[:] = [server]
    first = write_app("first_app", source.format(tests=__name__, names=["z", "a"]))
    second = write_app("second_app", source.format(tests=__name__, names=["y", "b"]))
    server.add_tool(lambda: 1, "of-no-app")
    with installed(second, first):
        for name in (first, second):  # whatever the order of import
            __import__(f"{name}.mcp")
        assert list(Engine(server).tools) == ["y", "b", "z", "a", "of-no-app"]


class NestedConfig(AppConfig):
    name = "tests.registry"
    label = "nested"


def test_a_module_belongs_to_the_innermost_app_that_holds_it(write_app: WriteApp) -> None:
    outer = write_app("outer_app", None)
    with override_settings(INSTALLED_APPS=["mcp_django", outer, f"{__name__}.NestedConfig"]):
        assert app_order("mcp_django.registry") == 0
        assert app_order("outer_app") == app_order("outer_app.mcp") == 1
        assert app_order("tests.registry.test_discovery") == 2
        assert app_order("outer_application.mcp") == app_order("builtins") == 3


# A file that hides the SDK


def test_the_sdk_itself_is_no_shadow() -> None:
    refuse_shadow()


def test_a_file_called_mcp_that_hides_the_sdk_gets_one_clear_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mcp.py"
    file.write_text("raise RuntimeError('never imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    for module in [name for name in sys.modules if name == "mcp"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(discovery, "_outcome", False)
    for find in (refuse_shadow, discover, discover):
        with pytest.raises(ImproperlyConfigured) as refused:
            find()
        assert str(refused.value) == (
            f"{file} hides the MCP SDK, whose package is called mcp: move it into an app, or rename it."
        )


def test_a_project_whose_manage_py_has_an_mcp_module_beside_it_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "mcp.py").write_text("from mcp_django import mcp")
    (tmp_path / "manage.py").write_text(
        dedent(
            """
            import os
            import sys
            from django.core.management import execute_from_command_line
            os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
            execute_from_command_line(sys.argv)
            """
        )
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, str(tmp_path / "manage.py"), "check", "--tag", "mcp"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
        env={"PYTHONPATH": str(root), "PATH": ""},
    )
    assert done.returncode == 1
    assert "(mcp_django.E003)" in done.stderr
    assert f"{tmp_path / 'mcp.py'} hides the MCP SDK" in done.stderr
    assert "Traceback" not in done.stderr
