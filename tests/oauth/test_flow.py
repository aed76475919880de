"""From the first request to a token, and on: what a client gets, and for what."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from oauth2_provider.models import AccessToken

from mcp_django import MCPServer
from tests.oauth.flow import RESOURCE, Flow, application, query, stored

pytestmark = pytest.mark.django_db


def test_a_client_gets_a_token_of_the_user_for_the_server(flow: Flow, ada: User) -> None:
    application()
    tokens = flow.connect()
    row = stored(tokens["access_token"])
    assert (row.user, row.scope, row.resource) == (ada, "mcp", [RESOURCE])
    assert tokens["expires_in"] == 3600


def test_no_token_is_stored_in_the_clear(flow: Flow) -> None:
    application()
    tokens = flow.connect()
    assert stored(tokens["access_token"]).token == ""
    assert stored(tokens["access_token"]).refresh_token.token == ""


def test_a_client_that_names_no_server_gets_a_token_for_the_only_one(flow: Flow) -> None:
    application()
    assert stored(flow.connect(resource=None)["access_token"]).resource == [RESOURCE]


def test_where_there_are_several_servers_it_has_to_name_one(flow: Flow, reports: MCPServer) -> None:
    application()
    from mcp_django import mcp

    mcp.add_tool(lambda: None, "temporary")
    try:
        answer = query(flow.ask(resource=None))
    finally:
        mcp.remove_tool("temporary")
    assert (answer["error"], answer["state"]) == ("invalid_target", "s-1")
    assert "/mcp" not in answer["error_description"]  # which ones there are is not for everybody
    assert stored(flow.connect(resource=f"{RESOURCE}/reports")["access_token"]).resource == [f"{RESOURCE}/reports"]


@pytest.mark.parametrize("spelling", ["http://testserver/mcp/", "HTTP://TESTSERVER:80/mcp"])
def test_other_spellings_of_a_server_are_the_same_server(flow: Flow, spelling: str) -> None:
    application()
    code = flow.code(resource=spelling)
    row = stored(flow.token(code=code, resource=spelling).json()["access_token"])
    assert row.resource == [RESOURCE]


@pytest.mark.parametrize("resource", ["https://elsewhere.example/mcp", "http://testserver", "mcp", "http://[", "é"])
def test_a_resource_that_nobody_serves_here_is_refused_before_anybody_is_asked(flow: Flow, resource: str) -> None:
    application()
    answer = query(flow.ask(resource=resource))
    assert (answer["error"], answer["state"], answer["iss"]) == ("invalid_target", "s-1", "http://testserver")


def test_a_form_that_was_changed_on_its_way_gets_no_token_for_elsewhere(flow: Flow) -> None:
    application()
    answer = query(flow.answer(flow.ask(), resource="https://elsewhere.example/mcp"))
    assert (answer["error"], answer["state"]) == ("invalid_target", "s-1")


def test_a_token_request_gets_no_more_than_was_consented_to(flow: Flow, reports: MCPServer) -> None:
    application()
    answer = flow.token(code=flow.code(), resource=f"{RESOURCE}/reports")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")


def test_a_client_that_people_set_up_may_ask_for_resources_and_scopes_of_its_own(flow: Flow) -> None:
    application()
    row = stored(flow.connect(scope="profile", resource="https://api.example.com/v1")["access_token"])
    assert (row.scope, row.resource) == ("profile", ["https://api.example.com/v1"])


def test_but_not_together_with_a_scope_of_a_server(flow: Flow) -> None:
    application()
    assert query(flow.ask(scope="profile mcp", resource="https://api.example.com/v1"))["error"] == "invalid_target"


def test_a_pinned_base_names_servers_and_issuer_whatever_host_was_asked(flow: Flow, oauth: Any) -> None:
    oauth(BASE_URL="https://Example.com")
    application()
    response = flow.answer(flow.ask(resource="https://example.com/mcp"))
    assert query(response)["iss"] == "https://example.com"
    row = stored(flow.token(code=query(response)["code"]).json()["access_token"])
    assert row.resource == ["https://example.com/mcp"]
    assert query(flow.ask())["error"] == "invalid_target"


# Scopes


def test_a_client_that_asks_for_no_scope_gets_the_baseline(flow: Flow, oauth: Any) -> None:
    application()
    assert flow.connect(scope=None)["scope"] == "mcp"
    oauth(BASELINE_SCOPES=["notes:read"])
    assert flow.connect(scope=None)["scope"] == "notes:read"


@pytest.mark.parametrize("asked", ["mcp offline_access", "offline_access"])
def test_offline_access_is_neither_refused_nor_granted(flow: Flow, asked: str) -> None:
    application()
    tokens = flow.connect(scope=asked)
    assert tokens["scope"] == "mcp"
    renewed = flow.refresh(tokens["refresh_token"], scope=asked)
    assert (renewed.status_code, renewed.json()["scope"]) == (200, "mcp")


def test_renewing_gets_no_scope_that_was_not_consented_to(flow: Flow) -> None:
    application()
    tokens = flow.connect()
    answer = flow.refresh(tokens["refresh_token"], scope="mcp profile offline_access")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def test_a_client_that_registered_itself_gets_no_scope_but_the_servers(flow: Flow, server_scopes: None) -> None:
    application(registration_source="dcr")
    assert query(flow.ask(scope="mcp profile"))["error"] == "invalid_scope"
    assert query(flow.ask(scope="oauth2_provider:registration"))["error"] == "invalid_scope"
    assert flow.connect(scope="mcp notes:read")["scope"] == "mcp notes:read"


@pytest.fixture
def server_scopes(monkeypatch: pytest.MonkeyPatch) -> None:
    from mcp_django import mcp

    monkeypatch.setattr(mcp, "scopes", frozenset({"notes:read", "notes:write"}), raising=False)


# Proofs


@pytest.mark.parametrize(
    "change",
    [{"code_challenge": None, "code_challenge_method": None}, {"code_challenge_method": "plain"}],
)
def test_a_code_needs_a_challenge_that_was_hashed(flow: Flow, change: dict[str, Any]) -> None:
    application()
    response = flow.ask(**change)
    if response.status_code == 200:
        response = flow.answer(response)
    assert query(response)["error"] == "invalid_request"


def test_the_wrong_verifier_gets_no_token_and_a_code_is_good_once(flow: Flow) -> None:
    application()
    code = flow.code()
    assert flow.token(code=code, code_verifier="w" * 64).json()["error"] == "invalid_grant"
    assert flow.token(code=code).status_code == 200
    assert flow.token(code=code).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("renewed", [False, True])
def test_a_code_that_comes_twice_ends_all_that_came_of_it(flow: Flow, *, renewed: bool) -> None:
    """One of the two has stolen it, and nobody knows which (RFC 6749 §4.1.2)."""
    application()
    other = flow.connect()
    code = flow.code()
    tokens = flow.token(code=code).json()
    if renewed:
        tokens = flow.refresh(tokens["refresh_token"]).json()
    assert flow.token(code=code, code_verifier="w" * 64).json()["error"] == "invalid_grant"
    assert flow.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert list(AccessToken.objects.all()) == [stored(other["access_token"])]


def test_a_code_that_comes_twice_at_the_same_time_is_good_for_nobody(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are checked before either is used up."""
    from mcp_django.oauth.validators import MCPOAuth2Validator

    application()
    code = flow.code()
    real = MCPOAuth2Validator.save_bearer_token
    answers: list[Any] = []

    def overtaken(self: Any, token: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(MCPOAuth2Validator, "save_bearer_token", real)
        answers.append(flow.token(code=code))
        return real(self, token, request, *args, **kwargs)

    monkeypatch.setattr(MCPOAuth2Validator, "save_bearer_token", overtaken)
    assert flow.token(code=code).json()["error"] == "invalid_grant"
    assert answers[0].status_code == 200
    assert flow.refresh(answers[0].json()["refresh_token"]).json()["error"] == "invalid_grant"
    assert not AccessToken.objects.exists()


def test_a_code_that_another_client_guesses_ends_nothing(flow: Flow) -> None:
    application()
    application(client_id="other")
    code = flow.code()
    tokens = flow.token(code=code).json()
    assert flow.token(code=code, client_id="other").json()["error"] == "invalid_grant"
    assert flow.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize("response_type", ["token", "id_token", "code token"])
def test_no_token_goes_through_the_browser(flow: Flow, response_type: str) -> None:
    application(authorization_grant_type="implicit")
    response = flow.ask(response_type=response_type)
    assert "access_token" not in response.get("Location", "")
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize("grant", ["password", "authorization-code"])
def test_a_password_gets_no_token_and_is_not_tried(flow: Flow, grant: str) -> None:
    """Nobody is told by the answer which one is right."""
    application(authorization_grant_type=grant)
    right, wrong = (flow.token(grant_type="password", username="ada", password=each) for each in ("lovelace", "byron"))
    assert (right.status_code, right.json()["error"]) == (400, "invalid_grant")
    assert right.content == wrong.content
    assert not AccessToken.objects.exists()


# Users who are no longer welcome


def test_a_user_who_was_deactivated_after_consent_gets_no_token(flow: Flow, ada: User) -> None:
    application()
    code = flow.code()
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert flow.token(code=code).json()["error"] == "invalid_grant"


def test_a_user_who_was_deactivated_renews_nothing(flow: Flow, ada: User) -> None:
    application()
    tokens = flow.connect()
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert flow.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
