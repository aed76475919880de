"""API keys: made, shown once, and revoked."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.utils import timezone

from mcp_django import MCPServer
from mcp_django.auth import create_key, revoke_key
from mcp_django.auth.keys import checksum
from mcp_django.models import APIKey
from tests.auth.tokens import make_user

pytestmark = pytest.mark.django_db


def test_a_key_is_kept_as_its_checksum_and_shown_by_its_ends() -> None:
    key = create_key("agent", make_user())
    row = APIKey.objects.get()
    assert key.startswith("mcpk_")
    assert len(key) == 5 + 43  # 256 bits in base64
    assert row.key_checksum == checksum(key)
    assert str(row) == f"agent ({key[:9]}…{key[-4:]})"
    assert key not in {str(value) for value in vars(row).values()}


def test_a_key_lives_for_ninety_days_unless_it_is_said() -> None:
    for lifetime in ({}, {"lifetime": timedelta(days=1)}, {"lifetime": None}):
        create_key("agent", make_user(), **lifetime)  # type: ignore[arg-type]
    expires = [row.expires_at for row in APIKey.objects.order_by("pk")]
    now = timezone.now()
    assert [None if each is None else round((each - now) / timedelta(days=1)) for each in expires] == [90, 1, None]


def test_a_key_has_scopes_that_a_server_asks_for_and_no_others(server: MCPServer) -> None:
    server.add_tool(lambda: "", name="write", scopes="notes:write")
    create_key("agent", make_user(), ["notes:write", "notes:write"])
    assert APIKey.objects.get().scopes == ["notes:write"]
    with pytest.raises(ValueError, match=r"^No server asks for the scope 'notes:read'. There are: .*notes:write"):
        create_key("agent", make_user(), ["notes:read"])
    assert APIKey.objects.count() == 1


def test_a_key_is_revoked_once() -> None:
    create_key("agent", make_user())
    row = APIKey.objects.get()
    assert row.usable
    revoke_key(row)
    first = row.revoked_at
    revoke_key(row)
    assert not row.usable
    assert row.revoked_at == first


def test_the_making_and_the_end_of_a_key_are_recorded_without_the_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mcp_django.auth")
    user = make_user()
    key = create_key("agent", user)
    row = APIKey.objects.get()
    revoke_key(row)
    revoke_key(row)
    assert caplog.messages == [
        f"API key {row.pk} made: user {user.pk}, scopes none.",
        f"API key {row.pk} revoked: user {user.pk}.",
    ]
    assert key not in caplog.text
