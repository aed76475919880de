"""``manage.py mcp_apikey``."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from mcp_django.auth.keys import checksum
from mcp_django.models import APIKey
from tests.auth.tokens import make_user

pytestmark = pytest.mark.django_db


def run(*args: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("mcp_apikey", *args, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_a_key_is_made_and_shown_once() -> None:
    make_user("ada")
    out, err = run("create", "Nightly report", "--user", "ada", "--scope", "mcp", "--days", "7")
    row = APIKey.objects.get()
    assert checksum(out.strip()) == row.key_checksum  # nothing but the key, so that a script can take it
    assert "shown once" in err
    assert (row.name, row.user.get_username(), row.scopes) == ("Nightly report", "ada", ["mcp"])
    assert out.strip() not in run("list")[0]


def test_a_key_may_live_for_ever() -> None:
    make_user("ada")
    run("create", "agent", "--user", "ada", "--days", "0")
    assert APIKey.objects.get().expires_at is None


def test_keys_are_listed_with_what_became_of_them() -> None:
    make_user("ada")
    for name in ("one", "two"):
        run("create", name, "--user", "ada")
    first, second = APIKey.objects.order_by("pk")
    assert run("revoke", str(first.pk))[0] == f"{first} is revoked.\n"
    assert run("list")[0] == (
        f"{first.pk}\t{first}\tada\t-\trevoked\tlast used: never\n"
        f"{second.pk}\t{second}\tada\t-\tusable\tlast used: never\n"
    )


def test_keys_that_have_ended_long_ago_are_deleted() -> None:
    make_user("ada")
    for name in ("usable", "for ever", "revoked now", "revoked", "expired"):
        run("create", name, "--user", "ada", "--days", "0" if name == "for ever" else "90")
    now = timezone.now()
    APIKey.objects.filter(name="revoked now").update(revoked_at=now)
    APIKey.objects.filter(name="revoked").update(revoked_at=now - timedelta(days=31))
    APIKey.objects.filter(name="expired").update(expires_at=now - timedelta(days=31))
    assert run("prune")[0] == "2 API key(s) deleted.\n"
    assert run("prune", "--days", "0")[0] == "1 API key(s) deleted.\n"
    assert sorted(APIKey.objects.values_list("name", flat=True)) == ["for ever", "usable"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("create", "agent", "--user", "bob"), "There is no user 'bob'."),
        (("create", "agent", "--user", "ada", "--scope", "x"), "No server asks for the scope 'x'."),
        (("create", "agent", "--user", "ada", "--days", "-1"), "--days must not be negative."),
        (("prune", "--days", "-1"), "--days must not be negative."),
        (("revoke", "77"), "There is no API key 77."),
    ],
)
def test_what_can_not_be_done_is_said(args: tuple[str, ...], message: str) -> None:
    make_user("ada")
    with pytest.raises(CommandError) as error:
        run(*args)
    assert str(error.value).startswith(message)
    assert not APIKey.objects.exists()
