"""Views for programs that show an API key."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import override_settings

from mcp_django.auth import create_key, get_access_token, revoke_key
from mcp_django.models import APIKey
from mcp_django.routes import api_key_required, throttle
from tests.auth.tokens import make_token, make_user
from tests.routes.conftest import Site

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _scopes(limited: Any) -> None:
    limited(OAUTH={"BASELINE_SCOPES": ["read", "write"], "SCOPE_IMPLIES": {"write": ["read"]}})


def whoami(request: Any) -> HttpResponse:
    token = get_access_token()
    assert token is not None
    assert request.principal.client_id == token.client_id
    return HttpResponse(f"{request.user.get_username()} {' '.join(token.scopes)}")


def bearing(key: str) -> dict[str, Any]:
    return {"headers": {"authorization": f"Bearer {key}"}}


def test_a_key_calls_as_its_owner(site: Site) -> None:
    key = create_key("report", make_user("ada"), ["read"])
    site.add(api_key_required(scopes=["read"])(site.view(whoami)))
    assert site.send(**bearing(key)).content == b"ada read"
    assert site.send(headers={"x-api-key": key}).content == b"ada read"
    assert get_access_token() is None  # nothing stays behind


def test_without_a_key_that_counts_nobody_enters(site: Site) -> None:
    ada = make_user("ada")
    revoked, expired = create_key("revoked", ada), create_key("expired", ada, lifetime=timedelta(seconds=-1))
    revoke_key(APIKey.objects.get(name="revoked"))
    site.add(api_key_required()(site.view(whoami)))
    missing = site.send()
    assert (missing.status_code, missing["WWW-Authenticate"]) == (401, 'Bearer realm="api"')
    refused = [site.send(**bearing(key)) for key in (revoked, expired, "mcpk_unknown", "mcpk_" + "x" * 500, "mcpk_ü")]
    bodies = [{**each.json(), "request_id": ""} for each in refused]
    assert bodies == [bodies[0]] * 5
    for each in refused:
        assert (each.status_code, each["WWW-Authenticate"]) == (401, 'Bearer realm="api", error="invalid_token"')


def test_an_access_token_is_no_key(site: Site) -> None:
    site.add(api_key_required()(site.view(whoami)))
    assert site.send(**bearing(make_token(make_user("ada"), "read"))).status_code == 401


def test_a_key_counts_in_no_url_and_no_form(site: Site) -> None:
    key = create_key("report", make_user("ada"))
    site.add(api_key_required()(site.view(whoami)))
    assert site.send(url=f"/view/?api_key={key}&access_token={key}").status_code == 401
    form = f"api_key={key}&access_token={key}".encode()
    assert site.send("POST", body=form, kind="application/x-www-form-urlencoded").status_code == 401


def test_a_key_that_lacks_a_scope_is_told_which(site: Site) -> None:
    ada = make_user("ada")
    reads, writes = create_key("reads", ada, ["read"]), create_key("writes", ada, ["write"])
    site.add(api_key_required(scopes=["read", "write"])(site.view(whoami)))
    refused = site.send(**bearing(reads))
    challenge = 'Bearer realm="api", error="insufficient_scope", scope="read write"'
    assert (refused.status_code, refused["WWW-Authenticate"]) == (403, challenge)
    assert site.send(**bearing(writes)).status_code == 200  # which includes the other


def test_an_owner_who_is_not_active_may_nothing(site: Site) -> None:
    key = create_key("report", make_user("ada", is_active=False))
    site.add(api_key_required()(site.view(whoami)))
    assert site.send(**bearing(key)).status_code == 401


def test_each_key_has_a_throttle_of_its_own(site: Site) -> None:
    ada = make_user("ada")
    first, second = create_key("first", ada), create_key("second", ada)
    site.add(api_key_required()(throttle("1/d")(site.view(whoami))))
    assert [site.send(**bearing(key)).status_code for key in (first, first, second)] == [200, 429, 200]


def test_the_owner_of_the_key_goes_before_the_user_of_a_session(site: Site) -> None:
    key = create_key("report", make_user("ada"))
    site.add(api_key_required()(site.view(whoami)))
    with override_settings(
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ]
    ):
        site.log_in(make_user("bob"))
        assert site.send(**bearing(key)).content.startswith(b"ada")
        assert site.send().status_code == 401
