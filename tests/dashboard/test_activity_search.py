"""The search of the activity: exact, and bounded."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mcp_django.dashboard import activity
from mcp_django.models import Call
from tests.dashboard.conftest import SignIn

pytestmark = pytest.mark.django_db

PAGE = "/admin/mcp_django/call/"


@pytest.fixture
def calls() -> list[Call]:
    ada = User.objects.create(username="ada lovelace")
    facts: list[dict[str, Any]] = [
        {"component": "find_cities", "user_id": ada.pk},
        {"component": "find_cities", "error": "DoesNotExist"},
        {"component": "plan_trip", "client_name": "Claude Code"},
        {"component": "plan_trip", "request_id": "r-7"},
    ]
    return [
        Call.objects.create(ended=timezone.now(), milliseconds=1, transport="stdio", outcome="ok", **each)
        for each in facts
    ]


@pytest.mark.parametrize(
    ("typed", "places"),
    [
        ("find_cities", [1, 0]),
        ("find", []),
        ("DoesNotExist", [1]),
        ("Claude Code", [2]),
        ("Claude", []),
        (" r-7 ", [3]),
        ("ada lovelace", [0]),
        ("ada", []),
        ("", [3, 2, 1, 0]),
    ],
)
def test_the_whole_of_a_fact_finds_its_calls(sign_in: SignIn, calls: list[Call], typed: str, places: list[int]) -> None:
    response = sign_in("view_call").get(PAGE, {"q": typed})
    assert [each.pk for each in response.context["cl"].result_list] == [calls[place].pk for place in places]


def test_it_ends_after_the_newest_calls_that_the_filters_leave(
    sign_in: SignIn, calls: list[Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "SEARCHED_ROWS", 2)
    client = sign_in("view_call")

    def found(**query: str) -> list[str]:
        return [each.component for each in client.get(PAGE, query).context["cl"].result_list]

    assert found(q="find_cities") == []
    assert found(q="find_cities", error__exact="DoesNotExist") == ["find_cities"]
    assert "among the newest 100,000 calls" in client.get(PAGE).content.decode()


def test_nothing_is_searched_where_nothing_is(sign_in: SignIn) -> None:
    assert list(sign_in("view_call").get(PAGE, {"q": "x"}).context["cl"].result_list) == []


def test_users_are_not_joined(sign_in: SignIn, calls: list[Call]) -> None:
    client = sign_in("view_call")
    with CaptureQueriesContext(connection) as queries:
        client.get(PAGE, {"q": "ada lovelace"})
    asked = [each["sql"] for each in queries if "mcp_django_call" in each["sql"]]
    assert not [sql for sql in asked if "JOIN" in sql]


def test_the_ends_of_the_date_hierarchy_are_found_by_the_index(sign_in: SignIn, calls: list[Call]) -> None:
    client = sign_in("view_call")
    with CaptureQueriesContext(connection) as queries:
        response = client.get(PAGE)
    asked = [each["sql"] for each in queries if "mcp_django_call" in each["sql"]]
    assert not [sql for sql in asked if "MIN(" in sql or "MAX(" in sql]
    (rows,) = [sql for sql in asked if "milliseconds" in sql]
    assert 'ORDER BY "mcp_django_call"."ended" DESC, "mcp_django_call"."id" DESC' in rows
    assert response.context["cl"].result_count == 4
