from __future__ import annotations

import io
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import IntegrityError, connection
from django.utils import timezone, translation

from mcp_django.models import PostedMessage, Question, Session

pytestmark = pytest.mark.django_db


def session(id: str = "abcdefghijk", **fields: Any) -> Session:
    return Session.objects.create(id=id, **{"protocol_version": "2025-11-25", "seen": timezone.now(), **fields})


@pytest.mark.parametrize(
    ("info", "name"),
    [
        ({"name": "Claude"}, "Claude (abcdefgh…)"),
        ({}, "unnamed client (abcdefgh…)"),
        ([], "unnamed client (abcdefgh…)"),
    ],
)
def test_a_session_is_called_after_its_client_and_hides_most_of_its_id(info: Any, name: str) -> None:
    """Whoever knows the id has the session, so it stands in no list and no log."""
    assert str(session(client_info=info)) == name


def test_the_session_that_was_seen_last_comes_first() -> None:
    first = session("first")
    second = session("second")
    assert list(Session.objects.all()) == [second, first]


def test_a_session_goes_with_its_user_and_what_belongs_to_it_goes_too() -> None:
    ada = User.objects.create(username="ada")
    kept = session("kept")
    gone = session("gone", user=ada)
    Question.objects.create(id="q", session=gone)
    PostedMessage.objects.create(session=gone, body="{}")
    ada.delete()
    assert list(Session.objects.all()) == [kept]
    assert not Question.objects.exists()
    assert not PostedMessage.objects.exists()


def test_a_question_belongs_to_a_session_that_is_there() -> None:
    Question.objects.create(id="q", session_id="nobody")
    with pytest.raises(IntegrityError):
        connection.check_constraints()
    Question.objects.all().delete()


def test_the_models_have_no_changes_that_are_missing_in_a_migration(settings: Any) -> None:
    settings.MIGRATION_MODULES = {}  # the tests' own tables are made without
    call_command("makemigrations", "mcp_django", check=True, dry_run=True, stdout=io.StringIO())


def test_the_models_have_names_for_people() -> None:
    with translation.override("en"):
        names = [str(each._meta.verbose_name_plural) for each in (Session, Question, PostedMessage)]
    assert names == ["sessions", "questions", "posted messages"]


def test_a_posted_message_is_called_by_its_number() -> None:
    """What is in it is the client's affair."""
    row = PostedMessage.objects.create(session=session(), body='{"secret": 1}')
    assert str(row) == str(row.pk)
