"""The sessions in the admin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from mcp_django.models import Session
from mcp_django.sessions import publish

pytestmark = pytest.mark.django_db

CHANGELIST = "admin:mcp_django_session_changelist"


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids that the other workers are told of."""
    ended: list[str] = []
    monkeypatch.setattr(publish, "publish", lambda item: ended.append(item[1]))
    return ended


@pytest.fixture
def sessions() -> list[Session]:
    """Two of nobody's, and one of a user's."""
    ada = User.objects.create(username="ada")
    return [
        Session.objects.create(
            id=f"{name}-0123456789",
            user=user,
            seen=timezone.now(),
            protocol_version=version,
            client_info={"name": name},
        )
        for name, user, version in (
            ("Claude", None, "2025-11-25"),
            ("Cursor", None, "2025-06-18"),
            ("Inspector", ada, "2025-11-25"),
        )
    ]


@pytest.fixture
def admin_client(client: Client) -> Client:
    """Somebody who may do everything; pytest-django's own makes a password, which takes a while."""
    client.force_login(User.objects.create(username="boss", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def staff(client: Client) -> Callable[..., Client]:
    """Sign somebody in who may do this and that with sessions."""

    def staff(*actions: str) -> Client:
        user = User.objects.create(username="staff", is_staff=True)
        names = [f"{action}_session" for action in actions]
        user.user_permissions.set(Permission.objects.filter(content_type__app_label="mcp_django", codename__in=names))
        client.force_login(user)
        return client

    return staff


def shown(response: Any) -> list[str]:
    return sorted(session.client_info["name"] for session in response.context["cl"].result_list)


@pytest.mark.usefixtures("sessions")
def test_all_sessions_are_listed_with_their_clients(admin_client: Client) -> None:
    response = admin_client.get(reverse(CHANGELIST))
    assert shown(response) == ["Claude", "Cursor", "Inspector"]
    page = response.content.decode()
    assert "Claude (Claude-0…)" in page
    assert "End the selected sessions" in page
    assert "Add session" not in page


def test_the_list_costs_the_same_however_many_users_have_sessions(
    admin_client: Client, sessions: list[Session]
) -> None:
    def load() -> int:
        with CaptureQueriesContext(connection) as queries:
            admin_client.get(reverse(CHANGELIST))
        return len(queries)

    before = load()
    for session in sessions:
        session.user = User.objects.create(username=session.pk)
        session.save()
    assert load() == before


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=ada", ["Inspector"]),
        ("q=Cursor-0123456789", ["Cursor"]),
        ("q=nothing", []),
        ("protocol_version=2025-06-18", ["Cursor"]),
        ("server=", ["Claude", "Cursor", "Inspector"]),
    ],
)
@pytest.mark.usefixtures("sessions")
def test_sessions_are_found_by_user_id_and_revision(admin_client: Client, query: str, found: list[str]) -> None:
    assert shown(admin_client.get(f"{reverse(CHANGELIST)}?{query}")) == found


def test_a_session_can_be_looked_at_and_not_changed(admin_client: Client, sessions: list[Session]) -> None:
    url = reverse("admin:mcp_django_session_change", args=[sessions[0].pk])
    response = admin_client.get(url)
    assert response.status_code == 200
    assert 'name="_save"' not in response.content.decode()
    assert admin_client.post(url, {"log_level": "debug"}).status_code == 403


def test_nobody_makes_a_session_by_hand(admin_client: Client) -> None:
    assert admin_client.get(reverse("admin:mcp_django_session_add")).status_code == 403


@pytest.mark.parametrize("action", ["end", "delete_selected"])
def test_selected_sessions_are_ended_on_every_worker(
    admin_client: Client, sessions: list[Session], ended: list[str], action: str
) -> None:
    chosen = [session.pk for session in sessions[:2]]
    data = {"action": action, "_selected_action": chosen, "post": "yes"}
    response = admin_client.post(reverse(CHANGELIST), data, follow=True)
    assert list(Session.objects.all()) == [sessions[2]]
    assert sorted(ended) == sorted(chosen)
    assert {entry.object_id for entry in LogEntry.objects.filter(action_flag=DELETION)} == set(chosen)
    if action == "end":
        assert [str(message) for message in response.context["messages"]] == ["2 sessions were ended on every worker."]


def test_one_session_is_ended_on_every_worker(admin_client: Client, sessions: list[Session], ended: list[str]) -> None:
    admin_client.post(reverse("admin:mcp_django_session_delete", args=[sessions[0].pk]), {"post": "yes"})
    assert (Session.objects.count(), ended) == (2, [sessions[0].pk])


def test_who_may_only_look_ends_nothing(
    staff: Callable[..., Client], sessions: list[Session], ended: list[str]
) -> None:
    client = staff("view")
    assert "End the selected sessions" not in client.get(reverse(CHANGELIST)).content.decode()
    client.post(reverse(CHANGELIST), {"action": "end", "_selected_action": [sessions[0].pk]})
    url = reverse("admin:mcp_django_session_delete", args=[sessions[0].pk])
    assert client.post(url, {"post": "yes"}).status_code == 403
    assert (Session.objects.count(), ended) == (3, [])


def test_who_may_do_nothing_sees_nothing(staff: Callable[..., Client]) -> None:
    assert staff().get(reverse(CHANGELIST)).status_code == 403


def test_the_search_uses_the_name_that_users_sign_in_with(
    monkeypatch: pytest.MonkeyPatch, admin_client: Client
) -> None:
    monkeypatch.setattr(User, "USERNAME_FIELD", "email")
    assert admin_client.get(f"{reverse(CHANGELIST)}?q=ada").status_code == 200
