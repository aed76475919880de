"""Refresh tokens that come twice, and programs that sign in as themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application, RefreshToken

from mcp_django.models import ServiceAccount
from mcp_django.oauth.accounts import make_account
from tests.oauth.flow import RESOURCE, Flow, application, stored

pytestmark = pytest.mark.django_db


# Renewing


def test_renewing_keeps_user_scope_and_server(flow: Flow, ada: User) -> None:
    application()
    first = flow.connect()
    second = flow.refresh(first["refresh_token"], resource=f"{RESOURCE}/").json()
    row = stored(second["access_token"])
    assert (row.user, row.scope, row.resource) == (ada, "mcp", [RESOURCE])
    assert second["refresh_token"] != first["refresh_token"]
    third = flow.refresh(second["refresh_token"]).json()  # some name no server when they renew
    assert stored(third["access_token"]).resource == [RESOURCE]


def test_a_refresh_token_that_comes_twice_at_a_time_ends_nothing(flow: Flow) -> None:
    application()
    first = flow.connect()["refresh_token"]
    won = flow.refresh(first).json()
    lost = flow.refresh(first)
    assert (lost.status_code, lost.json()["error"]) == (400, "invalid_grant")
    assert stored(won["access_token"]).is_valid(["mcp"])
    assert flow.refresh(won["refresh_token"]).status_code == 200


@pytest.mark.parametrize("seconds", [0, 10])
def test_one_that_comes_again_later_was_stolen_and_ends_all_that_came_of_it(
    flow: Flow, oauth: Any, seconds: int
) -> None:
    oauth(REFRESH_RACE_SECONDS=seconds)
    application()
    first = flow.connect()["refresh_token"]
    won = flow.refresh(first).json()
    RefreshToken.objects.exclude(revoked=None).update(revoked=timezone.now() - timedelta(seconds=seconds + 1))
    assert flow.refresh(first).json()["error"] == "invalid_grant"
    assert not AccessToken.objects.exists()
    assert flow.refresh(won["refresh_token"]).json()["error"] == "invalid_grant"


def test_two_renewals_at_the_very_same_time_give_one_token(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are checked before either is stored: the second one finds what the first one made."""
    from mcp_django.oauth.validators import MCPOAuth2Validator

    application()
    first = flow.connect()["refresh_token"]
    real = MCPOAuth2Validator.save_bearer_token
    answers: list[Any] = []

    def overtaken(self: Any, token: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(MCPOAuth2Validator, "save_bearer_token", real)
        answers.append(flow.refresh(first))
        return real(self, token, request, *args, **kwargs)

    monkeypatch.setattr(MCPOAuth2Validator, "save_bearer_token", overtaken)
    lost = flow.refresh(first)
    assert (lost.status_code, lost.json()["error"]) == (400, "invalid_grant")
    assert answers[0].status_code == 200
    assert stored(answers[0].json()["access_token"]).is_valid(["mcp"])


def test_the_refresh_token_of_one_client_is_no_good_for_another(flow: Flow) -> None:
    application()
    application(client_id="other")
    token = flow.connect()["refresh_token"]
    assert flow.refresh(token, client_id="other").json()["error"] == "invalid_grant"


# Programs that sign in as themselves


@pytest.fixture
def robot(db: None) -> User:
    return User.objects.create_user("robot")


def sign_in(client: Any, secret: str, **more: Any) -> Any:
    asked = {"grant_type": "client_credentials", "client_id": client.client_id, "client_secret": secret, **more}
    return Client().post("/token/", asked)


def test_a_program_acts_for_the_user_of_its_account(robot: User) -> None:
    client, secret = make_account("nightly", robot, ["mcp"])
    answer = sign_in(client, secret)
    row = stored(answer.json()["access_token"])
    assert (row.user, row.scope, row.resource) == (robot, "mcp", [RESOURCE])
    assert "refresh_token" not in answer.json()
    assert not RefreshToken.objects.exists()


def test_it_gets_the_scopes_of_its_account_and_no_others(robot: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from mcp_django import mcp

    monkeypatch.setattr(mcp, "scopes", frozenset({"notes:read", "notes:write"}), raising=False)
    client, secret = make_account("nightly", robot, ["notes:read"])
    for asked in ({}, {"scope": "mcp"}, {"scope": "notes:read"}):  # every client is told to begin with "mcp"
        assert sign_in(client, secret, **asked).json()["scope"] == "notes:read"
    for scope in ("mcp notes:write", "notes:write", "profile", "notes:read notes:write"):
        assert sign_in(client, secret, scope=scope).json()["error"] == "invalid_scope"


def test_it_gets_a_token_for_no_other_resource(robot: User) -> None:
    client, secret = make_account("nightly", robot, ["mcp"])
    assert sign_in(client, secret, resource="https://elsewhere.example").json()["error"] == "invalid_target"
    assert not AccessToken.objects.exists()


def test_a_program_without_an_account_gets_nothing_of_the_servers(ada: User) -> None:
    client = Application(client_type="confidential", authorization_grant_type="client-credentials", user=ada)
    secret = client.client_secret
    client.save()
    assert sign_in(client, secret).json()["error"] == "unauthorized_client"
    assert sign_in(client, secret, scope="mcp").json()["error"] == "unauthorized_client"
    row = stored(sign_in(client, secret, scope="profile").json()["access_token"])
    assert (row.scope, row.user) == ("profile", None)  # the project's own business, and no MCP scope in it


def test_an_account_of_a_user_who_is_no_longer_welcome_is_none(robot: User) -> None:
    client, secret = make_account("nightly", robot, ["mcp"])
    User.objects.filter(pk=robot.pk).update(is_active=False)
    assert sign_in(client, secret).json()["error"] == "unauthorized_client"


def test_the_wrong_secret_gets_nothing(robot: User) -> None:
    client, _secret = make_account("nightly", robot, ["mcp"])
    for secret in ("wrong", "", client.client_secret):
        assert sign_in(client, secret).json()["error"] == "invalid_client"


def test_an_account_ends_with_its_client(robot: User) -> None:
    client, _secret = make_account("nightly", robot, ["mcp"])
    client.delete()
    assert not ServiceAccount.objects.exists()


def test_an_account_is_no_way_in_for_a_client_of_another_kind(flow: Flow, robot: User) -> None:
    application()
    ServiceAccount.objects.create(client_id="notebook", user=robot, scopes=["mcp"])
    answer = Client().post("/token/", {"grant_type": "client_credentials", "client_id": "notebook"})
    assert answer.status_code in (400, 401)
    assert stored(flow.connect()["access_token"]).user.username == "ada"


@pytest.mark.parametrize("more", [{}, {"device_code": "guessed"}])
def test_nobody_signs_in_by_another_device(flow: Flow, more: dict[str, str]) -> None:
    answer = flow.token(grant_type="urn:ietf:params:oauth:grant-type:device_code", **more)
    assert (answer.status_code, answer.json()) == (400, {"error": "unsupported_grant_type"})
    for path in ("/device-authorization/", "/device/"):
        assert flow.browser.get(path).status_code == Client().post(path).status_code == 404


def test_a_refusal_is_json_whatever_the_client_put_into_it(flow: Flow) -> None:
    application()
    answer = flow.token(code=flow.code(), resource="http://testserver/<script>")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/json")
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("change", [{"scopes": []}, {"user": "ada"}, None], ids=str)
def test_a_token_of_an_account_that_was_changed_ends(robot: User, ada: User, change: dict[str, Any] | None) -> None:
    """It would go on with the scopes, and the user, that the account had."""
    client, secret = make_account("nightly", robot, ["mcp"])
    other, other_secret = make_account("hourly", robot, ["mcp"])
    assert sign_in(client, secret).status_code == sign_in(other, other_secret).status_code == 200
    account = ServiceAccount.objects.get(client_id=client.client_id)
    if change is None:
        account.delete()
    else:
        account.scopes = change.get("scopes", account.scopes)
        account.user = ada if "user" in change else account.user
        account.save()
    assert [token.application for token in AccessToken.objects.all()] == [other]
