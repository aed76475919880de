"""The open streams in the admin."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mcp_django.activity.heartbeat import LOST_SECONDS
from mcp_django.models import Stream, Worker
from mcp_django.sessions import streams as sessions_streams

pytestmark = pytest.mark.django_db

CHANGELIST = "admin:mcp_django_stream_changelist"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What the workers are told."""
    told: list[tuple[str, ...]] = []
    monkeypatch.setattr(sessions_streams, "publish", told.append)
    return told


@pytest.fixture
def streams() -> list[Stream]:
    """Two of a worker that is there, and one of a worker that isn't any more."""
    now = timezone.now()
    found = []
    for name, silent in (("here", 0), ("gone", LOST_SECONDS + 5)):
        seen = now - timedelta(seconds=silent)
        worker = Worker.objects.create(id=name, host=name, pid=1, started=now, seen=seen, streams=1, dropped=0)
        for number in range(2 if name == "here" else 1):
            found.append(
                Stream.objects.create(
                    id=f"{name}{number}", worker=worker, session=f"s{number}", hears="list of tools", opened=now
                )
            )
    return found


@pytest.fixture
def staff(client: Client) -> Callable[..., Client]:
    def staff(*codenames: str) -> Client:
        user = User.objects.create(username="staff", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(user)
        return client

    return staff


def shown(client: Client, **query: str) -> list[str]:
    response = client.get(reverse(CHANGELIST), query)
    assert response.status_code == 200
    return sorted(each.pk for each in response.context["cl"].result_list)


def chosen(action: str, *ids: str) -> dict[str, Any]:
    return {"action": action, "_selected_action": ids}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["here0", "here1"]),
        ({"q": "s1"}, ["here1"]),
        ({"worker__id__exact": "here"}, ["here0", "here1"]),
        ({"server__exact": "reports"}, []),
    ],
)
def test_the_streams_of_workers_that_are_there_are_found(
    staff: Callable[..., Client], streams: list[Stream], query: dict[str, str], found: list[str]
) -> None:
    assert shown(staff("view_stream"), **query) == found


def test_selected_streams_are_told_to_end_and_are_in_the_log(
    staff: Callable[..., Client], streams: list[Stream], told: list[Any]
) -> None:
    client = staff("view_stream", "delete_stream")
    page = client.post(reverse(CHANGELIST), chosen("end", "here0"), follow=True).content.decode()
    assert "1 stream was ended. Clients may open others" in page
    assert told == [("stream", "here0")]
    assert Stream.objects.get(pk="here0").ended
    assert shown(client) == ["here1"]
    assert LogEntry.objects.filter(action_flag=DELETION).count() == 1


def test_one_stream_is_told_to_end(staff: Callable[..., Client], streams: list[Stream], told: list[Any]) -> None:
    client = staff("view_stream", "delete_stream")
    client.post(reverse("admin:mcp_django_stream_delete", args=["here1"]), {"post": "yes"})
    assert told == [("stream", "here1")]


@pytest.mark.parametrize("action", ["end", "delete_selected"])
def test_who_may_only_look_ends_nothing(
    staff: Callable[..., Client], streams: list[Stream], told: list[Any], action: str
) -> None:
    client = staff("view_stream")
    client.post(reverse(CHANGELIST), {**chosen(action, "here0"), "post": "yes"})
    assert told == []
    assert not Stream.objects.filter(ended=True).exists()


def test_who_may_do_nothing_sees_nothing(staff: Callable[..., Client]) -> None:
    assert staff().get(reverse(CHANGELIST)).status_code == 403


def test_the_id_of_its_session_is_shown_in_part_only(staff: Callable[..., Client], streams: list[Stream]) -> None:
    Stream.objects.update(session="s" * 8 + "-and-what-nobody-needs-to-see")
    client = staff("view_stream")
    for page in (reverse(CHANGELIST), reverse("admin:mcp_django_stream_change", args=["here0"])):
        assert "nobody-needs-to-see" not in client.get(page).content.decode()
    assert "ssssssss…" in client.get(reverse(CHANGELIST)).content.decode()
