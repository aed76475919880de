"""``manage.py mcp_service_account``."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from oauth2_provider.models import Application

from mcp_django.models import ServiceAccount

pytestmark = pytest.mark.django_db


def run(*options: str) -> str:
    output = io.StringIO()
    call_command("mcp_service_account", *options, stdout=output, stderr=io.StringIO())
    return output.getvalue()


@pytest.fixture
def robot() -> User:
    return User.objects.create_user("robot")


def test_it_makes_a_client_with_an_account_and_says_the_secret(robot: User) -> None:
    said = dict(line.split(": ") for line in run("nightly", "--user", "robot").splitlines())
    application = Application.objects.get()
    assert (application.name, application.client_type, application.authorization_grant_type, application.user) == (
        "nightly",
        "confidential",
        "client-credentials",
        None,
    )
    assert said["client_id"] == application.client_id
    assert said["client_secret"] != application.client_secret  # which is hashed
    account = ServiceAccount.objects.get()
    assert (account.client_id, account.user, account.scopes) == (application.client_id, robot, ["mcp"])


def test_it_may_be_given_scopes(robot: User, settings: Any) -> None:
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "OAUTH": {"BASELINE_SCOPES": ["a", "b"]}}
    run("nightly", "--user", "robot", "--scope", "a", "--scope", "b")
    assert ServiceAccount.objects.get().scopes == ["a", "b"]


def test_it_refuses_a_user_or_a_scope_that_there_is_not(robot: User, settings: Any, no_demo: None) -> None:
    with pytest.raises(CommandError, match="There is no active user 'nobody'"):
        run("nightly", "--user", "nobody")
    with pytest.raises(CommandError, match=r"No server knows the scope 'all'. There are: mcp\."):
        run("nightly", "--user", "robot", "--scope", "all")
    User.objects.update(is_active=False)
    with pytest.raises(CommandError, match="There is no active user 'robot'"):
        run("nightly", "--user", "robot")
    assert not Application.objects.exists()


def test_it_says_what_is_missing(robot: User, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.apps.apps.is_installed", lambda name: False)
    with pytest.raises(CommandError, match="Add 'oauth2_provider' to INSTALLED_APPS first"):
        run("nightly", "--user", "robot")
