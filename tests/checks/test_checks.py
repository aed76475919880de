"""The system checks: one test for each id, which compares the whole message."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, run_checks
from django.core.checks.registry import registry
from django.test import override_settings

from mcp_django import Context, MCPServer, checks
from mcp_django.registry import discovery


@pytest.fixture
def no_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the servers of the test be the only ones."""
    monkeypatch.setattr("mcp_django.registry.server._servers", {})


def found(*ids: str, deploy: bool = False, app_configs: Any = None) -> list[CheckMessage]:
    """Run the checks as ``manage.py check --tag mcp`` does and keep the messages with these ids."""
    messages = run_checks(app_configs, tags=[checks.TAG], include_deployment_checks=deploy)
    return [each for each in messages if each.id in {f"mcp_django.{name}" for name in ids}]


def test_this_project_passes_all_checks(no_demo: None) -> None:
    assert run_checks(tags=[checks.TAG]) == []


def test_its_only_fault_in_production_is_that_everybody_may_call_everything(no_servers: None) -> None:
    assert [each.id for each in run_checks(tags=[checks.TAG], include_deployment_checks=True)] == ["mcp_django.W003"]


def test_e001_settings_that_can_not_be_read() -> None:
    with override_settings(MCP_DJANGO={"AUTH": "none", "PAGE_SIZES": 5}):
        assert found("E001") == [
            Error(
                "settings.MCP_DJANGO has an unknown key 'PAGE_SIZES'. Did you mean 'PAGE_SIZE'?",
                hint="docs/reference/settings.md lists the keys, their types and their defaults.",
                id="mcp_django.E001",
            )
        ]


@pytest.fixture
def broken_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install an app whose ``mcp.py`` can't be imported."""
    package = tmp_path / "broken_app"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "mcp.py").write_text("raise RuntimeError('not today')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(discovery, "_outcome", False)
    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, "broken_app"]):
        yield


def test_e002_an_mcp_module_that_can_not_be_imported(broken_app: None) -> None:
    expected = Error(
        "Importing broken_app.mcp of the app 'broken_app' failed: RuntimeError: not today",
        hint="Nothing of the project is served until this import works.",
        id="mcp_django.E002",
    )
    assert found("E002") == [expected]
    assert found("E002") == [expected]


def test_e003_a_file_that_hides_the_sdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mcp.py"
    file.touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "mcp")
    assert found("E003", "E002") == [
        Error(
            f"{file} hides the MCP SDK, whose package is called mcp: move it into an app, or rename it.",
            hint="Python finds the file before the package, so the SDK can't be imported.",
            id="mcp_django.E003",
        )
    ]


def unreadable(choice: Undeclared) -> None: ...  # type: ignore[name-defined]  # noqa: F821 - that is the fault


def test_e004_a_declaration_that_can_not_be_served(no_servers: None) -> None:
    server = MCPServer("reports")
    server.add_tool(unreadable, "vote")
    assert found("E004", deploy=True) == [
        Error(
            f"tool 'vote' in {__name__}: an annotation can't be evaluated: name 'Undeclared' is not defined",
            hint="Fix its signature, annotations or options.",
            obj=server,
            id="mcp_django.E004",
        )
    ]


def test_e004_is_found_on_every_server(no_servers: None) -> None:
    broken = [MCPServer("one"), MCPServer("two")]
    MCPServer("sound").add_tool(test_this_project_passes_all_checks)
    for server in broken:
        server.add_tool(unreadable)
    assert [each.obj for each in found("E004", deploy=True)] == broken


def test_e004_needs_the_sdk_so_it_is_for_deployment_only(no_servers: None) -> None:
    MCPServer("reports").add_tool(unreadable)
    assert found("E004") == []


@pytest.mark.usefixtures("broken_app")
def test_nothing_is_compiled_while_something_worse_is_wrong(no_servers: None) -> None:
    MCPServer("reports").add_tool(unreadable)
    assert [each.id for each in found("E002", "E004", deploy=True)] == ["mcp_django.E002"]


def test_e005_the_other_distribution_with_this_import_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "mcp_django-0.14.0.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: mcp-django\nVersion: 0.14.0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert found("E005") == [
        Error(
            "The distribution mcp-django 0.14.0 is installed: its package is called mcp_django as well, and each "
            "of the two overwrites files of the other.",
            hint="pip uninstall mcp-django, then pip install --force-reinstall --no-deps django-mcp-channels.",
            id="mcp_django.E005",
        )
    ]


@pytest.mark.parametrize("missing", [None, ""])
def test_w001_no_asgi_application(missing: str | None) -> None:
    with override_settings(ASGI_APPLICATION=missing):
        assert found("W001", "W002") == [
            Warning(
                "ASGI_APPLICATION is not set, so `manage.py runmcp` has nothing to serve over HTTP.",
                hint="Set it to 'project.asgi.application', made by mcp_django.asgi.get_mcp_application(). "
                "stdio works without.",
                id="mcp_django.W001",
            )
        ]


def test_w002_daphne_is_not_installed() -> None:
    without = [name for name in settings.INSTALLED_APPS if name != "daphne"]
    with override_settings(INSTALLED_APPS=without):
        assert not apps.is_installed("daphne")
        assert found("W001", "W002") == [
            Warning(
                "'daphne' is not in INSTALLED_APPS, so `manage.py runserver` serves WSGI, without the MCP endpoints.",
                hint="Put 'daphne' at the top of INSTALLED_APPS, or silence this where WSGI is meant.",
                id="mcp_django.W002",
            )
        ]


def test_w003_no_sign_in() -> None:
    assert found("W003") == []
    assert found("W003", deploy=True) == [
        Warning(
            "MCP_DJANGO['AUTH'] is 'none': everybody who reaches the endpoint may call every tool.",
            hint="Set it to 'required' or 'optional', or serve it where only trusted clients can reach it.",
            id="mcp_django.W003",
        )
    ]


def test_w005_every_host_and_no_sign_in() -> None:
    with override_settings(ALLOWED_HOSTS=["polls.test", "*"]):
        assert found("W005") == []
        assert found("W005", deploy=True) == [
            Warning(
                "ALLOWED_HOSTS allows every host, and MCP_DJANGO['AUTH'] is 'none': a page that rebinds its name to "
                "this server's address can call every tool through a visitor's browser.",
                hint="List the hosts by name.",
                id="mcp_django.W005",
            )
        ]


@pytest.mark.parametrize("name", ["ctx", "context"])
def test_w004_a_context_without_its_annotation(no_servers: None, name: str) -> None:
    server = MCPServer("reports")
    found_in: dict[str, Any] = {"__name__": "shop.mcp"}
    exec(f"def vote(choice: int, {name}): ...", found_in)
    vote = found_in["vote"]
    server.add_tool(vote)
    server.add_prompt(vote)
    server.add_resource(f"polls://{{choice}}/{{{name}}}", vote)
    assert found("W004") == [
        Warning(
            f"The parameter {name!r} of {kind} 'vote' in shop.mcp has no annotation, so clients are asked to fill it.",
            hint=f"Write `{name}: Context`, with Context from mcp_django.",
            obj=vote,
            id="mcp_django.W004",
        )
        for kind in ("tool", "resource", "prompt")
    ]


def test_a_parameter_that_says_what_it_is_may_have_any_name(no_servers: None) -> None:
    MCPServer("reports").add_tool(annotated)
    assert found("W004") == []


def annotated(ctx: Context, context: str) -> None: ...


@pytest.mark.usefixtures("broken_app")
def test_annotations_are_not_looked_at_while_an_app_is_broken(no_servers: None) -> None:
    assert [each.id for each in found("E002", "W004")] == ["mcp_django.E002"]


def test_unreadable_settings_are_reported_once_and_break_no_other_check(no_demo: None) -> None:
    with override_settings(MCP_DJANGO=None, ALLOWED_HOSTS=["*"]):
        messages = run_checks(tags=[checks.TAG], include_deployment_checks=True)
    assert [each.id for each in messages] == ["mcp_django.E001"]


def test_every_check_is_registered_and_says_which_ids_it_gives() -> None:
    ours = [
        each
        for each in (*registry.registered_checks, *registry.deployment_checks)
        if each.__module__ == checks.__name__
    ]
    assert {getattr(each, "__name__", "") for each in ours} == {
        "check_settings",
        "check_declarations",
        "check_context_annotations",
        "check_compilation",
        "check_hosts",
        "check_other_package",
        "check_asgi",
        "check_auth",
        "check_access",
        "check_groups",
        "check_reach",
    }
