"""``manage.py clearmcpsessions``."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from mcp_django.models import Question, Session
from tests.sessions.switch import sessions_on

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _sessions(settings: Any) -> Iterator[None]:
    with sessions_on(settings, SESSION_IDLE_SECONDS=3600):
        for name, minutes in (("new", 59), ("old", 61), ("older", 600)):
            seen = timezone.now() - timedelta(minutes=minutes)
            session = Session.objects.create(id=name, protocol_version="2025-11-25", seen=seen)
            Question.objects.create(id=f"asked-{name}", session=session)
        yield


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the other workers are told."""
    ended: list[Any] = []
    monkeypatch.setattr("mcp_django.sessions.publish.publish", ended.append)
    return ended


def run(*options: str) -> str:
    output = io.StringIO()
    call_command("clearmcpsessions", *options, stdout=output)
    return output.getvalue()


def test_it_ends_the_sessions_of_clients_that_were_silent_for_too_long(ended: list[Any]) -> None:
    assert run() == "2 session(s) deleted.\n"
    assert [session.pk for session in Session.objects.all()] == ["new"]
    assert [question.pk for question in Question.objects.all()] == ["asked-new"]
    assert sorted(ended) == [("ended", "old"), ("ended", "older")]
    assert run() == "0 session(s) deleted.\n"


def test_it_ends_all_of_them_when_told_so(ended: list[Any]) -> None:
    assert run("--all") == "3 session(s) deleted.\n"
    assert not Session.objects.exists()
    assert len(ended) == 3


def test_it_may_be_quiet() -> None:
    assert run("--verbosity", "0") == ""


def test_it_ends_more_than_a_database_takes_in_one_statement() -> None:
    rows = [Session(id=f"s{number}", protocol_version="2025-11-25", seen=timezone.now()) for number in range(1200)]
    Session.objects.bulk_create(rows)
    assert run("--all") == "1203 session(s) deleted.\n"
