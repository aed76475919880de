"""``manage.py mcp_prune_clients``."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application, Grant, RefreshToken

pytestmark = pytest.mark.django_db


def run(*options: str) -> str:
    output = io.StringIO()
    call_command("mcp_prune_clients", *options, stdout=output)
    return output.getvalue()


def client(name: str, *, days: int = 31, source: str = "dcr") -> Application:
    made = Application.objects.create(
        name=name,
        client_id=name,
        client_type="public",
        authorization_grant_type="authorization-code",
        redirect_uris="https://a.example/cb",
        registration_source=source,
        hash_client_secret=False,
    )
    Application.objects.filter(pk=made.pk).update(created=timezone.now() - timedelta(days=days))
    return made


def names() -> list[str]:
    return sorted(Application.objects.values_list("name", flat=True))


def test_it_deletes_the_clients_that_registered_themselves_and_that_nobody_uses() -> None:
    client("unused")
    client("new", days=29)
    client("manual", source="manual")
    client("published", source="cimd")
    assert run() == "1 client(s) deleted.\n"
    assert names() == ["manual", "new", "published"]
    assert run("--days", "0", "--verbosity", "0") == ""
    assert names() == ["manual", "published"]


def test_it_keeps_those_that_hold_something() -> None:
    user, later, before = User.objects.create_user("ada"), timezone.now() + timedelta(days=1), timezone.now()
    for name in ("code", "access", "refresh"):
        client(name)
    Grant.objects.create(user=user, application=Application.objects.get(name="code"), code="x", expires=later)
    AccessToken.objects.create(user=user, application=Application.objects.get(name="access"), token="a", expires=later)
    RefreshToken.objects.create(user=user, application=Application.objects.get(name="refresh"), token="r")
    old = client("expired")
    AccessToken.objects.create(user=user, application=old, token="b", expires=before)
    RefreshToken.objects.create(user=user, application=old, token="s", revoked=before)
    assert run() == "1 client(s) deleted.\n"
    assert names() == ["access", "code", "refresh"]


def test_a_token_to_manage_itself_with_keeps_no_client() -> None:
    """The toolkit's own view of registration makes one, of nobody, that lasts until the year 9999."""
    never = datetime(9999, 12, 31, tzinfo=UTC)
    AccessToken.objects.create(
        application=client("unused"), token="t", expires=never, scope="oauth2_provider:registration"
    )
    run()
    assert names() == []
    assert not AccessToken.objects.exists()


def test_it_says_when_there_is_nothing_that_it_could_delete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.apps.apps.is_installed", lambda name: False)
    with pytest.raises(CommandError, match="not in INSTALLED_APPS"):
        run()
