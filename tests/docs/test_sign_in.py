"""docs/how-to/sign-in.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django.conf import settings as project
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from mcp_django.oauth.cimd import documents
from mcp_django.signals import __all__ as signals
from tests.docs.pages import DOCS

PAGE = (DOCS / "how-to/sign-in.md").read_text(encoding="utf-8")


@pytest.fixture
def example(settings: Any) -> Iterator[Any]:
    """Let the project have what the page tells it to add."""
    module = import_module("docs.examples.sign_in.settings")
    settings.MIDDLEWARE, settings.OAUTH2_PROVIDER = module.MIDDLEWARE, module.OAUTH2_PROVIDER
    settings.MCP_DJANGO, settings.ROOT_URLCONF = module.MCP_DJANGO, module.ROOT_URLCONF
    cache.clear()
    yield module
    cache.clear()


@pytest.mark.django_db
def test_with_these_settings_and_these_urls_a_client_finds_its_way(example: Any) -> None:
    resource = Client().get("/.well-known/oauth-protected-resource/mcp").json()
    assert resource["authorization_servers"] == ["https://example.com"]
    server = Client().get("/.well-known/oauth-authorization-server").json()
    assert server["issuer"] == "https://example.com"
    told = Client().post(
        server["registration_endpoint"].removeprefix("https://example.com"),
        {"redirect_uris": ["http://localhost:6274/oauth/callback"], "token_endpoint_auth_method": "none"},
        "application/json",
    )
    assert told.status_code == 201
    asked = {"client_id": told.json()["client_id"], "response_type": "code"}
    assert Client().get("/authorize/", asked)["Location"].startswith("/accounts/login/")
    assert set(project.OAUTH2_PROVIDER["SCOPES"]) == {"mcp", "notes:write"}


@pytest.mark.django_db
def test_the_page_to_log_in_on_needs_nothing_of_the_projects(example: Any) -> None:
    User.objects.create_user("ada", password="lovelace")
    browser = Client(enforce_csrf_checks=True)
    target = "/authorize/?client_id=x"
    page = browser.get("/accounts/login/", {"next": target})
    assert page["Cross-Origin-Opener-Policy"] == "unsafe-none"
    token = page.content.decode().partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    fields = {"csrfmiddlewaretoken": token, "username": "ada", "password": "byron", "next": target}
    refused = browser.post("/accounts/login/", fields)
    assert "Please enter a correct username and password" in refused.content.decode()
    assert browser.post("/accounts/login/", {**fields, "password": "lovelace"})["Location"] == target


def test_below_a_prefix_the_documents_stay_at_the_root(example: Any, settings: Any) -> None:
    settings.ROOT_URLCONF = "docs.examples.sign_in.below_a_prefix"
    server = Client().get("/.well-known/oauth-authorization-server/o").json()
    assert (server["issuer"], server["token_endpoint"]) == ("https://example.com/o", "https://example.com/o/token/")


def test_the_table_names_every_document_that_comes_along() -> None:
    assert set(re.findall(r"its document, `([^`]+)`", PAGE)) == set(documents())


def test_the_signals_that_it_leads_to_are_there() -> None:
    assert {"consent_given", "client_registered", "token_revoked", "oauth_refused"} <= set(signals)
