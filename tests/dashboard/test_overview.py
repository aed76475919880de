"""The first page: its figures are those of the calls of real clients, and each leads to the rows behind it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mcp_django import MCPServer
from mcp_django.activity.tally import REST
from mcp_django.dashboard import figures
from mcp_django.dashboard.figures import LIMITS
from mcp_django.models import Call, CallSummary, Session, Worker
from tests.dashboard.agents import Agents, declare
from tests.dashboard.conftest import SignIn
from tests.dashboard.html import assert_strict, assert_valid

pytestmark = pytest.mark.django_db

SPANS = ("hour", "day", "week")


@pytest.fixture
def calls(server: MCPServer, agents: Agents) -> list[Call]:
    """What two users did with three clients: every outcome, and some of it long ago."""
    declare(server)
    for tool, options in (
        *[("search", {})] * 5,
        *[("search", {"user": "bob", "client": "phone", "name": "Cursor"})] * 3,
        *[("fail", {"name": "", "client": "cron"})] * 2,
        *[("rare", {})] * 3,
        ("none", {"user": "bob"}),
    ):
        agents.call(tool, **options)
    agents.send("resources/read", {"uri": "notes://all"})
    agents.send("prompts/get", {"name": "hello"})
    agents.send("tools/list")
    calls = agents.written()
    for place, call in enumerate(calls):
        call.milliseconds = 1.3**place  # apart, as the calls of a test are not
        if place in (3, 7):
            call.outcome = "cancelled"
        call.ended -= (place % 4) * timedelta(minutes=7)
    Call.objects.bulk_update(calls, ["milliseconds", "outcome", "ended"])
    return calls


def dashboard(client: Client, span: str = "hour", site: str = "admin", server: str = "fixture") -> Any:
    response = client.get(f"/{site}/mcp_django/dashboard/", {"server": server, "span": span})
    assert response.status_code == 200
    page = response.content.decode()
    assert_valid(page)
    assert_strict(page)
    return response


def rows_behind(client: Client, url: str) -> list[Call]:
    response = client.get(url)
    assert response.status_code == 200, response
    return list(response.context["cl"].queryset)


def links_of(context: Any) -> list[tuple[str, int, str]]:
    """Return what every figure of the page says, and where it leads."""
    total = context["total"]
    found = [
        ("calls", total.calls, context["calls_url"]),
        ("errors", total.errors, context["errors_url"]),
        ("refused", total.refused, context["refused_url"]),
        ("cancelled", total.cancelled, context["cancelled_url"]),
        ("latency", sum(total.bins.values()), context["timed_url"]),
    ]
    for name in ("components", "slowest", "failing", "clients", "users"):
        for line in context[name]:
            found.append((f"{name} {line.label}", line.part.calls, line.url))
            found.append((f"{name} {line.label} errors", line.part.errors, line.errors_url))
    for name in ("errors", "refusals", "limits"):
        found += [(f"{name} {each['error']}", each["count"], each["url"]) for each in context[name]]
    for row in context["numbers"]:
        found += [(f"numbers {row['when']} {place}", *each) for place, each in enumerate(row["counts"])]
    return found


@pytest.mark.parametrize("span", SPANS)
def test_every_figure_leads_to_the_rows_behind_it(calls: list[Call], admin_client: Client, span: str) -> None:
    response = dashboard(admin_client, span)
    page = unescape(response.content.decode())
    links = links_of(response.context)
    assert len(links) > 40
    for name, count, url in links:
        assert len(rows_behind(admin_client, url)) == count, name
        assert f'href="{url}"' in page or not count, name
    assert links[0][1] == len(calls)


def test_every_link_to_the_activity_is_a_figures(calls: list[Call], admin_client: Client) -> None:
    response = dashboard(admin_client)
    known = {url for _, _, url in links_of(response.context)}
    found = re.findall(r'href="(/admin/mcp_django/call/\?[^"]+)"', response.content.decode())
    assert {unescape(url) for url in found} <= known


@pytest.mark.urls("tests.dashboard.test_page")
def test_the_figures_of_a_site_of_ones_own_lead_to_its_own_rows(calls: list[Call], admin_client: Client) -> None:
    for name, count, url in links_of(dashboard(admin_client, site="ops").context):
        assert url.startswith("/ops/mcp_django/call/?")
        assert len(rows_behind(admin_client, url)) == count, name


def test_a_project_without_time_zones_has_the_same_links(
    server: MCPServer, agents: Agents, admin_client: Client, settings: Any
) -> None:
    settings.USE_TZ = False
    settings.TIME_ZONE = "Asia/Kathmandu"
    declare(server)
    agents.call("search")
    agents.call("none")
    assert len(agents.written()) == 2
    for span in SPANS:
        for name, count, url in links_of(dashboard(admin_client, span).context):
            assert len(rows_behind(admin_client, url)) == count, name


@pytest.mark.parametrize("span", SPANS)
def test_the_figures_are_those_of_the_calls(calls: list[Call], admin_client: Client, span: str) -> None:
    context = dashboard(admin_client, span).context
    outcomes = [call.outcome for call in calls]
    total = context["total"]
    assert (total.calls, context["user_count"], context["client_count"]) == (len(calls), 2, 3)
    assert total.outcomes == {name: outcomes.count(name) for name in set(outcomes)}
    assert {line.label: line.part.calls for line in context["users"]} == {"ada": 13, "bob": 4}
    assert [(line.label, line.about, line.part.calls) for line in context["clients"]] == [
        ("Claude", "editor", 12),
        ("Cursor", "phone", 3),
        ("cron", "", 2),
    ]
    busiest = [(line.label, line.about, line.part.calls) for line in context["components"]]
    assert busiest[:3] == [("search", "tool", 8), ("rare", "tool", 3), ("fail", "tool", 2)]
    assert sorted(busiest[3:]) == [("hello", "prompt", 1), ("notes://all", "resource", 1)]


def test_percentiles_are_those_of_what_was_not_refused(calls: list[Call], admin_client: Client) -> None:
    took = sorted(call.milliseconds for call in calls if call.outcome != "refused")
    context = dashboard(admin_client).context
    for share in (50, 95, 99):
        exact = next(each for place, each in enumerate(took, 1) if place >= share / 100 * len(took))
        assert context[f"p{share}"] == pytest.approx(exact, rel=0.12)


def test_the_slowest_and_the_most_failing_come_first(calls: list[Call], admin_client: Client) -> None:
    context = dashboard(admin_client).context
    longest: dict[str, float] = {}
    for call in calls:
        if call.component:
            longest[call.component] = max(longest.get(call.component, 0), call.milliseconds)
    ranked = sorted(longest, key=lambda name: -longest[name])
    assert [line.label for line in context["slowest"]] == ranked[:5]
    assert [(line.label, line.part.errors) for line in context["failing"]] == [("fail", 2), ("notes://all", 1)]


def test_why_calls_failed_were_refused_and_which_limits_were_hit(calls: list[Call], admin_client: Client) -> None:
    context = dashboard(admin_client).context
    told = {
        name: [(each["error"], each["count"]) for each in context[name]] for name in ("errors", "refusals", "limits")
    }
    assert told == {
        "errors": [("ToolError", 2), ("ZeroDivisionError", 1)],
        "refusals": [("throttled", 2), ("unknown", 1)],
        "limits": [("throttled", 2)],
    }


@pytest.mark.parametrize("limit", LIMITS)
def test_each_limit_is_one_that_something_is_refused_for(limit: str) -> None:
    """The words stand where the refusals are made: none of them may be renamed there alone."""
    files = Path(figures.__file__).parents[1].rglob("*.py")
    assert any(f'"{limit}"' in path.read_text() for path in files if path.name != "figures.py")


@pytest.mark.parametrize(("span", "minutes"), [("hour", 1), ("day", 15), ("week", 120)])
def test_the_chart_shows_calls_per_minute(calls: list[Call], admin_client: Client, span: str, minutes: int) -> None:
    context = dashboard(admin_client, span).context
    window, chart = context["window"], context["calls_chart"]
    busiest = max(slot.total.calls for slot in window.slots) / minutes
    top = chart.rows[-1]
    highest = min(float(point.split(",")[1]) for area in chart.areas for point in area.points[0].split())
    floor = chart.rows[0].place
    assert float(top.label) * (floor - highest) / (floor - top.place) == pytest.approx(busiest, rel=0.01)
    assert [shape.label for shape in chart.shapes] == ["ok", "cancelled", "refused", "errors"]


@pytest.mark.parametrize("span", SPANS)
def test_the_time_before_leads_to_its_rows(calls: list[Call], admin_client: Client, span: str) -> None:
    since, until = dashboard(admin_client, span).context["window"].times_before
    CallSummary.objects.all().delete()
    for place, call in enumerate(calls[:3]):
        call.ended = (since - timedelta(seconds=1), since, until - timedelta(seconds=1))[place]
    Call.objects.bulk_update(calls[:3], ["ended"])
    response = dashboard(admin_client, span)
    assert response.context["before"].calls == 2
    assert len(rows_behind(admin_client, response.context["before_url"])) == 2
    assert ">2</a> in the time before" in response.content.decode()


def test_open_sessions_lead_to_those_that_are_not_over(
    calls: list[Call], admin_client: Client, limited: Callable[..., None]
) -> None:
    limited(SESSION_IDLE_SECONDS=600)
    for name, seconds, path in (("open", 5, "fixture"), ("over", 700, "fixture"), ("other", 5, "")):
        Session.objects.create(id=name, server=path, seen=timezone.now() - timedelta(seconds=seconds))
    for path, found in (("fixture", ["open"]), ("", ["other"])):
        context = dashboard(admin_client, server=path).context
        assert context["open_sessions"] == 1
        shown = admin_client.get(context["sessions_url"]).context["cl"].queryset
        assert [session.pk for session in shown] == found


def test_workers_are_shown_with_their_streams_and_what_they_dropped(admin_client: Client, agents: Agents) -> None:
    now = timezone.now()
    for number, dropped in ((1, 0), (2, 1234)):
        Worker.objects.create(
            id=str(number),
            host=f"host-{number}",
            pid=41_000 + number,
            started=now,
            seen=now,
            streams=3,
            dropped=dropped,
        )
    response = dashboard(admin_client)
    assert (response.context["open_streams"], len(response.context["workers"])) == (6, 2)
    page = response.content.decode()
    assert "process 41002" in page
    assert page.count("calls not recorded") == 1


def test_a_deleted_user_is_named_by_number_and_still_leads_to_the_rows(calls: list[Call], admin_client: Client) -> None:
    bob = User.objects.get(username="bob")
    number = bob.pk
    bob.delete()
    (line,) = [line for line in dashboard(admin_client).context["users"] if line.label != "ada"]
    assert line.label == f"deleted user {number}"
    assert len(rows_behind(admin_client, line.url)) == line.part.calls == 4
    assert admin_client.get(line.url).content.decode().count(f"deleted user {number}</td>") == 4


def test_who_may_not_see_the_activity_sees_figures_without_links(calls: list[Call], sign_in: SignIn) -> None:
    response = dashboard(sign_in("view_dashboard"))
    assert response.context["total"].calls == len(calls)
    assert {url for _, _, url in links_of(response.context)} == {""}
    assert "/admin/mcp_django/call/" not in response.content.decode()
    assert "/admin/mcp_django/session/" not in response.content.decode()


@pytest.mark.parametrize("query", ["", "server=fixture", "server=gone&span=century", "span=week&server=%00"])
def test_a_project_to_which_nobody_has_spoken_has_a_page(
    server: MCPServer, agents: Agents, admin_client: Client, query: str
) -> None:
    page = admin_client.get(f"/admin/mcp_django/dashboard/?{query}").content.decode()
    assert_valid(page)
    assert page.count("Nothing in this time.") >= 4


def test_the_page_says_when_nothing_is_recorded(admin_client: Client, limited: Callable[..., None]) -> None:
    assert "no call is recorded" in admin_client.get("/admin/mcp_django/dashboard/").content.decode()
    limited(ACTIVITY="buffered")
    assert "no call is recorded" not in admin_client.get("/admin/mcp_django/dashboard/").content.decode()


def test_the_page_asks_as_many_queries_however_many_calls_there_were(
    calls: list[Call], agents: Agents, admin_client: Client, django_assert_num_queries: Any
) -> None:
    dashboard(admin_client)
    with CaptureQueriesContext(connection) as before:
        dashboard(admin_client)
    for place in range(12):
        agents.call("search", user=f"user-{place}", client=f"client-{place}", name=f"name-{place}")
    agents.written()
    with django_assert_num_queries(len(before)):
        dashboard(admin_client)


def test_to_look_is_not_an_action(calls: list[Call], admin_client: Client) -> None:
    dashboard(admin_client)
    assert not LogEntry.objects.exists()
    assert REST not in {line.label for line in dashboard(admin_client).context["users"]}
