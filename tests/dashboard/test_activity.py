"""The list of calls in the admin: filters, days, a count that ends, search."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mcp_django import MCPServer
from mcp_django.activity.summaries import aware
from mcp_django.dashboard import activity
from mcp_django.models import Call
from tests.activity.calls import add_calls
from tests.dashboard.agents import Agents, declare
from tests.dashboard.conftest import SignIn
from tests.dashboard.html import assert_strict, assert_valid

pytestmark = pytest.mark.django_db

URL = "/admin/mcp_django/call/"
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
DAY = timedelta(days=1)

Shown = Callable[..., list[str]]


@pytest.fixture
def shown(admin_client: Client) -> Shown:
    """Return what the rows of a page say in one of their columns: ``shown(server__exact="")``."""

    def shown(column: str = "component", **query: Any) -> list[str]:
        response = admin_client.get(f"{URL}?{urlencode(query)}")
        assert response.status_code == 200, response["Location"]
        return [str(getattr(call, column)) for call in response.context["cl"].result_list]

    return shown


@pytest.fixture
def traffic(server: MCPServer, agents: Agents) -> list[Call]:
    """A call of each outcome, of two users and clients."""
    declare(server)
    agents.call("search")
    agents.call("fail", user="bob", client="phone", name="Cursor", version="2.5")
    agents.call("none")
    agents.send("resources/read", {"uri": "notes://all"})
    agents.send("prompts/get", {"name": "hello"}, name="")
    return agents.written()


@pytest.mark.usefixtures("traffic")
def test_calls_are_listed_with_all_that_matters_the_newest_first(admin_client: Client) -> None:
    page = admin_client.get(URL).content.decode()
    assert_valid(page)
    assert_strict(page)
    rows = re.findall(r"<tr>(.*?)</tr>", page.split('id="result_list"')[1], re.DOTALL)[1:]
    texts = [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in rows]
    for text, words in zip(
        texts,
        (
            ["prompts/get hello", "fixture", "ok", "ada", "editor"],
            ["resources/read notes://all", "failed", "ZeroDivisionError", "Claude 1.0"],
            ["tools/call", "refused", "unknown"],
            ["tools/call fail", "tool error", "ToolError", "bob", "Cursor 2.5"],
            ["tools/call search", "ok", "ada", "Claude 1.0", "2026-07-28", "streamable-http"],
        ),
        strict=True,
    ):
        assert all(word in text for word in words), text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"outcome__exact": "tool_error"}, ["fail"]),
        ({"outcome__in": "tool_error,failed"}, ["notes://all", "fail"]),
        ({"kind__exact": "tool"}, ["", "fail", "search"]),
        ({"kind__exact": "prompt"}, ["hello"]),
        ({"server__exact": ""}, []),
        ({"server__exact": "fixture", "transport__exact": "streamable-http", "kind__exact": "resource"}, ["notes://all"]),
        ({"transport__exact": "stdio"}, []),
        ({"client_name__exact": "Cursor", "client_id__exact": "phone"}, ["fail"]),
        ({"error__exact": "unknown"}, [""]),
        ({"q": "search"}, ["search"]),
        ({"q": "sear"}, []),
        ({"q": "bob"}, ["fail"]),
        ({"q": "Cursor"}, ["fail"]),
        ({"q": "phone"}, ["fail"]),
        ({"q": "ZeroDivisionError"}, ["notes://all"]),
        ({"q": "prompts/get"}, ["hello"]),
        ({"q": "bob search"}, []),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("traffic")
def test_calls_are_found_by_filters_and_by_whole_words(shown: Shown, query: dict[str, str], found: list[str]) -> None:
    assert shown(**query) == found


@pytest.mark.usefixtures("traffic")
def test_a_call_is_found_by_the_number_of_its_request(shown: Shown) -> None:
    assert len(shown(q="1")) == 5
    assert shown(q="2") == []


@pytest.mark.parametrize("query", [{"ended__gte": "yesterday"}, {"user__exact": "x"}, {"nonsense__exact": "1"}])
def test_a_filter_that_is_none_leads_back_to_the_list(admin_client: Client, query: dict[str, str]) -> None:
    response = admin_client.get(URL, query)
    assert (response.status_code, response["Location"]) == (302, f"{URL}?e=1")


@pytest.mark.usefixtures("traffic")
def test_each_way_in_which_calls_come_can_be_filtered(admin_client: Client) -> None:
    page = admin_client.get(URL).content.decode()
    for transport in ("streamable-http", "sse", "stdio", "console"):
        assert f"transport__exact={transport}" in page


@pytest.mark.usefixtures("traffic")
def test_a_search_asks_no_other_table_more_than_once(admin_client: Client) -> None:
    def count(query: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            admin_client.get(f"{URL}?{query}")
        return len(queries)

    before = count("")
    for number in range(10):
        add_calls(NOON, user=User.objects.create(username=f"user {number}"))
    assert count("") == before


# The days


def choices(client: Client, **query: Any) -> list[str]:
    page = client.get(URL, query).content.decode()
    (toplinks,) = re.findall(r'class="toplinks".*?</(?:nav|div)>', page, re.DOTALL)
    return [unescape(each).strip("\u2039 \n") for each in re.findall(r"<a[^>]*>([^<]*)</a>", toplinks)]


def test_the_date_hierarchy_goes_from_years_to_days(admin_client: Client, shown: Shown) -> None:
    add_calls(NOON, NOON - DAY, NOON - 40 * DAY, NOON - 500 * DAY)
    assert choices(admin_client) == ["2025", "2026"]
    assert choices(admin_client, ended__year=2026) == ["All dates", "October 2026", "November 2026"]
    assert choices(admin_client, ended__year=2026, ended__month=11) == ["2026", "November 27", "November 28"]
    assert len(shown(ended__year=2026, ended__month=11, ended__day=27)) == 1


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia"])
@pytest.mark.parametrize("use_tz", [True, False])
def test_days_are_those_of_the_projects_time_zone(
    admin_client: Client, shown: Shown, settings: Any, zone: str, use_tz: bool
) -> None:
    settings.USE_TZ, settings.TIME_ZONE = use_tz, zone
    first = datetime(2026, 11, 3, 0, 30, tzinfo=UTC)
    add_calls(*(first + hours * timedelta(hours=1) for hours in range(0, 96, 5)))
    wanted = sorted({aware(call.ended).astimezone(ZoneInfo(zone)).day for call in Call.objects.all()})
    days = choices(admin_client, ended__year=2026, ended__month=11)[1:]
    assert days == [f"November {day}" for day in wanted]
    assert sum(len(shown(ended__year=2026, ended__month=11, ended__day=day)) for day in wanted) == 20


def test_the_days_are_found_without_a_look_at_all_rows(admin_client: Client) -> None:
    add_calls(*(NOON - place * timedelta(minutes=7) for place in range(600)))
    with CaptureQueriesContext(connection) as queries:
        days = choices(admin_client, ended__year=2026, ended__month=11)
    assert len(days) == 1 + 4
    jumps = [query["sql"] for query in queries if query["sql"].startswith('SELECT "mcp_django_call"."ended" ')]
    assert len(jumps) == 4 + 1
    assert all("LIMIT 1" in sql for sql in jumps)
    plan = connection.cursor().execute(f"EXPLAIN QUERY PLAN {jumps[-1]}").fetchall()
    assert "INDEX mcp_django_call_ended" in str(plan)


# The count


def test_counting_ends_and_the_page_says_so(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "MAX_COUNT", 250)
    add_calls(*[NOON] * 249)
    assert "Counting ends" not in admin_client.get(URL).content.decode()
    add_calls(*[NOON] * 30)
    with CaptureQueriesContext(connection) as queries:
        response = admin_client.get(URL)
    assert "Counting ends at 250 calls" in response.content.decode()
    assert (response.context["cl"].result_count, response.context["cl"].paginator.num_pages) == (250, 3)
    counts = [query["sql"] for query in queries if "COUNT" in query["sql"] and "mcp_django_call" in query["sql"]]
    assert counts
    assert all("LIMIT 250" in sql for sql in counts)
    assert len(admin_client.get(f"{URL}?p=3").context["cl"].result_list) == 50
    assert admin_client.get(f"{URL}?p=4").status_code == 302


# What may be done


def test_a_call_can_be_looked_at_and_nothing_else(traffic: list[Call], admin_client: Client) -> None:
    url = f"{URL}{traffic[0].pk}/"
    page = admin_client.get(f"{url}change/").content.decode()
    assert "search" in page
    assert 'name="_save"' not in page
    assert admin_client.post(f"{url}change/", {"server": "x"}).status_code == 403
    assert admin_client.post(f"{url}delete/", {"post": "yes"}).status_code == 403
    assert admin_client.get(f"{URL}add/").status_code == 403
    assert 'name="action"' not in admin_client.get(URL).content.decode()


def test_who_may_not_see_the_activity_sees_none_of_it(traffic: list[Call], sign_in: SignIn) -> None:
    client = sign_in("view_dashboard", "view_session")
    for url in (URL, f"{URL}{traffic[0].pk}/change/", f"{URL}{traffic[0].pk}/history/"):
        assert client.get(url).status_code == 403
    for url in ("/admin/", "/admin/mcp_django/", "/admin/mcp_django/dashboard/"):
        assert URL not in client.get(url).content.decode()


def test_the_call_of_a_deleted_user_is_shown(traffic: list[Call], admin_client: Client) -> None:
    (call,) = [each for each in traffic if each.client_name == "Cursor"]
    User.objects.get(username="bob").delete()
    for url in (URL, f"{URL}{call.pk}/change/"):
        page = admin_client.get(url).content.decode()
        assert f"deleted user {call.user_id}" in page
