"""The demo's way in: it is laid, though nobody has to take it yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User

from project import settings as project_settings

if TYPE_CHECKING:
    from django.test import Client
    from pytest_django.fixtures import SettingsWrapper


@pytest.fixture(autouse=True)
def _the_projects_own_pages(settings: SettingsWrapper) -> None:
    for name in ("ROOT_URLCONF", "TEMPLATES", "MIDDLEWARE", "LOGIN_URL", "OAUTH2_PROVIDER", "MCP_DJANGO", "STATIC_URL"):
        setattr(settings, name, getattr(project_settings, name))


@pytest.mark.django_db
def test_a_client_finds_its_way_to_the_page_that_asks(client: Client) -> None:
    metadata = client.get("/.well-known/oauth-authorization-server").json()
    assert metadata["scopes_supported"] == ["mcp"]
    body = {"client_name": "Inspector", "redirect_uris": ["http://localhost:6274/oauth/callback"]}
    told = client.post("/register/", body, "application/json").json()
    asked = {
        "response_type": "code",
        "client_id": told["client_id"],
        "redirect_uri": told["redirect_uris"][0],
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
    }
    login = client.get("/authorize/", asked, follow=True)
    assert "Sign in to Atlas" in login.content.decode()
    User.objects.create_user("ada", password="lovelace")
    sent = {"username": "ada", "password": "lovelace", "next": login.context["next"]}
    page = client.post(login.redirect_chain[-1][0], sent, follow=True)
    assert "Look things up in the atlas as you" in page.content.decode()
