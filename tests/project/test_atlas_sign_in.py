"""The demo's way in: looking things up takes no account, planning does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User

from mcp_django import mcp
from project.atlas import mcp as components

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.usefixtures("own_pages")

KINDS = ("tool", "resource", "template", "prompt")
DECLARED = [each for kind in KINDS for each in mcp.declarations(kind) if each.module == components.__name__]


@pytest.mark.django_db
def test_a_client_finds_its_way_to_the_page_that_asks(client: Client) -> None:
    metadata = client.get("/.well-known/oauth-authorization-server").json()
    assert metadata["scopes_supported"] == ["mcp", "trips:write"]
    body = {"client_name": "Inspector", "redirect_uris": ["http://localhost:6274/oauth/callback"]}
    told = client.post("/register/", body, "application/json").json()
    asked = {
        "response_type": "code",
        "client_id": told["client_id"],
        "redirect_uri": told["redirect_uris"][0],
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
        "scope": "mcp trips:write",
    }
    login = client.get("/authorize/", asked, follow=True)
    assert "Sign in to Atlas" in login.content.decode()
    User.objects.create_user("ada", password="lovelace")
    sent = {"username": "ada", "password": "lovelace", "next": login.context["next"]}
    page = client.post(login.redirect_chain[-1][0], sent, follow=True)
    assert "Look things up in the atlas as you" in page.content.decode()
    assert "Plan and delete trips of yours" in page.content.decode()


def test_only_what_writes_asks_for_a_scope() -> None:
    asking = {each.key: each.scopes for each in DECLARED if not each.public}
    assert asking == {"plan_trip": ("trips:write",), "delete_trip": ("trips:write",)}
