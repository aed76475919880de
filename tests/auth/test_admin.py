"""API keys in the admin."""

from __future__ import annotations

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from mcp_django.auth import create_key
from mcp_django.auth.keys import checksum
from mcp_django.models import APIKey
from tests.auth.tokens import make_user

pytestmark = pytest.mark.django_db

CHANGELIST = "admin:mcp_django_apikey_changelist"


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(User.objects.create(username="boss", is_staff=True, is_superuser=True))
    return client


def test_a_key_is_shown_once_after_it_was_made(boss: Client) -> None:
    add = reverse("admin:mcp_django_apikey_add")
    assert "mcp" in boss.get(add).content.decode()
    form = {"name": "agent", "user": make_user("ada").pk, "scopes": ["mcp"], "expires_at_0": "", "expires_at_1": ""}
    made = boss.post(add, form)
    assert "no-store" in made["cache-control"]
    page = made.content.decode()
    (row,) = APIKey.objects.all()
    key = re.findall(r"mcpk_[\w-]{43}", page)[0]
    assert checksum(key) == row.key_checksum
    assert row.scopes == ["mcp"]
    assert key not in str(made.cookies)
    assert key not in boss.get(reverse(CHANGELIST)).content.decode()
    shown = boss.get(reverse("admin:mcp_django_apikey_change", args=[row.pk])).content.decode()
    assert key not in shown
    assert row.key_checksum not in shown


def test_a_key_gets_no_scope_that_no_server_asks_for(boss: Client) -> None:
    form = {"name": "agent", "user": make_user("ada").pk, "scopes": ["other"], "expires_at_0": "", "expires_at_1": ""}
    assert boss.post(reverse("admin:mcp_django_apikey_add"), form).status_code == 200
    assert not APIKey.objects.exists()


def test_the_form_begins_with_ninety_days_and_whoever_fills_it_in(boss: Client) -> None:
    form = boss.get(reverse("admin:mcp_django_apikey_add")).context["adminform"].form
    assert form["user"].initial == User.objects.get(username="boss").pk
    assert form["expires_at"].initial is not None


def test_keys_are_revoked_by_an_action(boss: Client) -> None:
    create_key("agent", make_user("ada"))
    row = APIKey.objects.get()
    page = boss.post(reverse(CHANGELIST), {"action": "revoke", "_selected_action": [row.pk]}, follow=True)
    assert "1 key was revoked." in page.content.decode()
    row.refresh_from_db()
    assert not row.usable
    assert LogEntry.objects.get().get_change_message() == "Revoked."


def test_a_key_does_not_change(boss: Client) -> None:
    create_key("agent", make_user("ada"))
    change = reverse("admin:mcp_django_apikey_change", args=[APIKey.objects.get().pk])
    assert boss.post(change, {"name": "other"}).status_code == 403


def test_keys_are_found_by_their_owner(boss: Client) -> None:
    create_key("agent", make_user("ada"))
    assert "agent" in boss.get(reverse(CHANGELIST), {"q": "ada"}).content.decode()
    assert "agent" not in boss.get(reverse(CHANGELIST), {"q": "bob"}).content.decode()
