"""Who is connected, and ending that."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application, RefreshToken

from mcp_django import MCPServer
from mcp_django.auth.keys import create_key
from mcp_django.dashboard import sign_in as module
from mcp_django.dashboard.sign_in import Connection, connections
from mcp_django.models import ServiceAccount, Session
from mcp_django.sessions import publish
from tests.auth.tokens import make_application, make_token, make_user
from tests.dashboard.agents import Agents, declare
from tests.dashboard.conftest import SignIn
from tests.dashboard.html import assert_strict, assert_valid

pytestmark = pytest.mark.django_db

URL = "/admin/mcp_django/dashboard/sign-in/"
MANAGE = "manage_connections"


def make_refresh_token(user: User, client: str, scope: str = "mcp profile") -> RefreshToken:
    """Return one whose access token has expired."""
    make_token(user, scope, client=client, seconds=-10)
    access = AccessToken.objects.latest("pk")
    return RefreshToken.objects.create(
        user=user, token=f"r{access.pk}", application=access.application, access_token=access
    )


def names(found: list[Connection]) -> list[tuple[str, str]]:
    return [(each.application.client_id, each.user.username) for each in found]


def test_what_a_client_holds_of_a_user_is_one_connection() -> None:
    ada = make_user("ada")
    make_token(ada, "mcp", seconds=100)
    make_token(ada, "profile", seconds=900)
    make_refresh_token(ada, "editor")
    (found,) = connections()
    assert (found.tokens, found.scopes, found.renews) == (3, {"mcp", "profile"}, True)
    assert found.until == AccessToken.objects.latest("expires").expires
    assert found.since == AccessToken.objects.earliest("created").created


def test_one_that_can_only_renew_has_no_end() -> None:
    make_refresh_token(make_user("ada"), "editor")
    (found,) = connections()
    assert (found.until, found.renews, found.scopes) == (None, True, {"mcp", "profile"})


def test_what_is_over_or_nobodys_is_no_connection() -> None:
    ada = make_user("ada")
    make_token(ada, client="expired", seconds=-1)
    make_token(None, client="nobody's")
    make_refresh_token(ada, "revoked").revoke()
    make_token(ada, client="no client's")
    AccessToken.objects.filter(application__client_id="no client's").update(application=None)
    assert connections() == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [("phone", "bob"), ("phone", "ada"), ("editor", "ada")]),
        ("ADA", [("phone", "ada"), ("editor", "ada")]),
        ("note", [("editor", "ada")]),
        ("phon", [("phone", "bob"), ("phone", "ada")]),
        ("gone", []),
        ("\0", [("phone", "bob"), ("phone", "ada"), ("editor", "ada")]),
    ],
)
def test_connections_are_found_by_client_and_user_the_newest_first(query: str, found: list[Any]) -> None:
    now = timezone.now()
    for minutes, (client, name) in enumerate([("phone", "bob"), ("phone", "ada"), ("editor", "ada")]):
        make_token(make_user(name), client=client)
        AccessToken.objects.filter(pk=AccessToken.objects.latest("pk").pk).update(
            created=now - timedelta(minutes=minutes)
        )
    Application.objects.filter(client_id="editor").update(name="Notebook")
    assert names(connections(query)) == found


def test_the_page_takes_two_queries_however_many_there_are(django_assert_num_queries: Any) -> None:
    for number in range(8):
        make_refresh_token(make_user(f"user {number}"), f"client {number}")
        make_token(make_user(f"user {number}"))
    with django_assert_num_queries(2):
        assert len(connections()) == 16


@pytest.mark.parametrize(("limit", "value"), [("MAX_SHOWN", 2), ("MAX_TOKENS", 3)])
def test_of_very_many_the_newest_are_shown(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(module, limit, value)
    for number in range(5):
        make_token(make_user(f"user-{number}"))
    response = sign_in(MANAGE).get(URL)
    assert [each.user.username for each in response.context["connections"]] == ["user-4", "user-3", "user-2"][:value]
    assert "There are more" in response.content.decode()


def test_the_page_shows_them_and_what_else_there_is(sign_in: SignIn) -> None:
    ada = make_user("ada")
    make_token(ada)
    create_key("nightly", ada)
    ServiceAccount.objects.create(client_id="cron", user=ada)
    client = sign_in(MANAGE)
    assert "API key" not in client.get(URL).content.decode()
    for app, model in (("mcp_django", "apikey"), ("mcp_django", "serviceaccount"), ("oauth2_provider", "application")):
        permission = Permission.objects.get(content_type__app_label=app, codename=f"view_{model}")
        User.objects.get(username__startswith="staff").user_permissions.add(permission)
    response = client.get(URL)
    page = response.content.decode()
    assert_valid(page)
    assert_strict(page)
    assert {(str(each.title), each.count) for each in response.context["kept"]} == {
        ("applications", 1),
        ("API keys", 1),
        ("service accounts", 1),
    }
    for each in response.context["kept"]:
        assert client.get(each.url).status_code == 200
    assert "Disconnect editor from ada" in page


def asked(user: User, client: str = "editor") -> dict[str, Any]:
    return {"user": user.pk, "application": Application.objects.get(client_id=client).pk}


def test_disconnecting_asks_first_and_is_in_the_log(sign_in: SignIn) -> None:
    ada = make_user("ada")
    make_token(ada)
    make_refresh_token(ada, "editor")
    client = sign_in(MANAGE)
    page = client.post(f"{URL}disconnect/", asked(ada)).content.decode()
    assert_valid(page)
    assert "Yes, disconnect" in page
    assert len(connections()) == 1
    response = client.post(f"{URL}disconnect/", {**asked(ada), "confirmed": "1"}, follow=True)
    assert response.redirect_chain == [(URL, 302)]
    assert "ditor can no longer act for ada." in response.content.decode()  # the admin begins with a capital
    assert connections() == []
    (entry,) = LogEntry.objects.all()
    assert (entry.object_repr, entry.change_message) == ("editor of ada", "Disconnected.")


def test_only_this_client_and_this_user_are_parted(sign_in: SignIn) -> None:
    ada, bob = make_user("ada"), make_user("bob")
    for user, client in ((ada, "editor"), (ada, "phone"), (bob, "editor")):
        make_token(user, client=client)
        Session.objects.create(id=f"{user}-{client}", user=user, client_id=client, seen=timezone.now())
    sign_in(MANAGE).post(f"{URL}disconnect/", {**asked(ada), "confirmed": "1"})
    assert sorted(names(connections())) == [("editor", "bob"), ("phone", "ada")]
    assert sorted(Session.objects.values_list("pk", flat=True)) == ["ada-phone", "bob-editor"]


def test_the_sessions_of_a_disconnected_client_end_on_every_worker(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []
    monkeypatch.setattr(publish, "publish", lambda item: ended.append(item[1]))
    ada = make_user("ada")
    make_token(ada)
    Session.objects.create(id="s", user=ada, client_id="editor", seen=timezone.now())
    sign_in(MANAGE).post(f"{URL}disconnect/", {**asked(ada), "confirmed": "1"})
    assert (ended, Session.objects.count()) == (["s"], 0)


def test_the_next_call_of_a_disconnected_client_is_refused(server: MCPServer, agents: Agents, sign_in: SignIn) -> None:
    declare(server)
    assert agents.call("search").status == 200
    token = AccessToken.objects.get().token
    sign_in(MANAGE).post(f"{URL}disconnect/", {**asked(User.objects.get(username="ada")), "confirmed": "1"})
    assert not AccessToken.objects.filter(token=token).exists()
    assert agents.written()[-1].outcome == "ok"


@pytest.mark.parametrize("place", ["user", "application"])
@pytest.mark.parametrize("given", ["", "abc", "-1", "0", "9" * 38, "1 OR 1=1", "\0", "1.5"])
def test_who_is_not_there_can_not_be_disconnected(sign_in: SignIn, place: str, given: str) -> None:
    ada = make_user("ada")
    make_application("editor")
    data = {**asked(ada), place: given, "confirmed": "1"}
    assert sign_in(MANAGE).post(f"{URL}disconnect/", data).status_code == 404
    assert not LogEntry.objects.exists()


def test_an_address_disconnects_nobody(sign_in: SignIn) -> None:
    ada = make_user("ada")
    make_token(ada)
    client = sign_in(MANAGE)
    page = client.get(f"{URL}disconnect/", {**asked(ada), "confirmed": "1"}).content.decode()
    assert "Nothing was chosen." in page
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    assert strict.post(f"{URL}disconnect/", {**asked(ada), "confirmed": "1"}).status_code == 403
    assert len(connections()) == 1


def test_who_may_not_sees_and_ends_nothing(sign_in: SignIn) -> None:
    ada = make_user("ada")
    make_token(ada)
    client = sign_in("view_dashboard", "view_session", "run_component")
    assert client.get(URL).status_code == 403
    assert client.post(f"{URL}disconnect/", {**asked(ada), "confirmed": "1"}).status_code == 403
    for url in ("/admin/", "/admin/mcp_django/", "/admin/mcp_django/dashboard/"):
        assert URL not in client.get(url).content.decode()
    assert len(connections()) == 1
