"""The system checks of whom components are for: one test for each id."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import CheckMessage, Error, Tags, Warning, run_checks
from django.db import DatabaseError
from django.test import modify_settings, override_settings

from mcp_django import MCPServer
from mcp_django.auth import checks as auth_checks
from mcp_django.checks import TAG


def tool() -> str:
    return ""


WHERE = "tool 'tool' in tests.auth.test_checks"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the servers of the test be the only ones."""
    monkeypatch.setattr("mcp_django.registry.server._servers", {})


def found(*ids: str, deploy: bool = False, databases: list[str] | None = None) -> list[CheckMessage]:
    tags = [TAG, *([Tags.database] if databases else [])]
    messages = run_checks(tags=tags, include_deployment_checks=deploy, databases=databases or [])
    return [each for each in messages if each.id in {f"mcp_django.{name}" for name in ids}]


def test_e010_a_permission_that_no_model_has() -> None:
    MCPServer("reports").add_tool(tool, permissions=["auth.view_user", "auth.viev_user"])
    assert found("E010") == [
        Error(
            f"{WHERE} asks for the permission 'auth.viev_user', which no model has.",
            hint="Name the app and the codename, as in 'polls.add_vote'; one of your own goes into the "
            "Meta.permissions of a model.",
            obj=tool,
            id="mcp_django.E010",
        )
    ]


def test_the_defaults_of_a_server_that_mean_nothing_break_no_check() -> None:
    server = MCPServer("reports")
    server.add_tool(tool)
    server.scopes = "a b"
    assert [each.id for each in found("E004", "E010", deploy=True)] == ["mcp_django.E004"]


@pytest.mark.django_db
def test_w010_a_group_that_is_not_there() -> None:
    from django.contrib.auth.models import Group

    Group.objects.create(name="editors")
    MCPServer("reports").add_tool(tool, groups=["editors", "authors"])
    assert found("W010") == []
    assert found("W010", databases=["default"]) == [
        Warning(
            f"{WHERE} asks for the group 'authors', which isn't there: only superusers see it.",
            hint="Make the group, or correct its name.",
            obj=tool,
            id="mcp_django.W010",
        )
    ]


def test_a_database_without_tables_is_no_fault_of_the_components(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checks of databases also run before the first migration."""
    from django.contrib.auth import models

    def fail(*args: Any) -> Any:
        raise DatabaseError

    monkeypatch.setattr(models.Group.objects, "using", fail)
    MCPServer("reports").add_tool(tool, groups="editors")
    assert list(auth_checks.check_groups(["default"])) == []


def test_w011_scopes_where_nobody_can_sign_in(settings: Any) -> None:
    MCPServer("reports").add_tool(tool, scopes="notes:write")
    assert found("W011", deploy=True) == []
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "AUTH": "none"}
    assert found("W011") == []
    assert found("W011", deploy=True) == [
        Warning(
            f"{WHERE} asks for scopes, and MCP_DJANGO['AUTH'] is 'none': over HTTP nobody sees it.",
            hint="Set AUTH to 'required' or 'optional'.",
            obj=tool,
            id="mcp_django.W011",
        )
    ]


def test_w012_nothing_gives_tokens() -> None:
    assert found("W012") == []
    with modify_settings(INSTALLED_APPS={"remove": "oauth2_provider"}), override_settings(ROOT_URLCONF="tests.urls"):
        assert [each.id for each in found("W012")] == ["mcp_django.W012"]
