"""``manage.py clearmcpactivity``."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mcp_django.activity import retention
from mcp_django.activity.summaries import QUARTER, quarter_of, summarise
from mcp_django.activity.windows import SPANS, read_window
from mcp_django.models import Call, CallSummary
from tests.activity.calls import add_calls

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def run(*options: str, **more: Any) -> str:
    output = io.StringIO()
    call_command("clearmcpactivity", *options, stdout=output, **more)
    return output.getvalue()


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


def test_what_is_older_than_the_setting_goes_with_its_summaries(settings: Any, now: datetime) -> None:
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "ACTIVITY_DAYS": 10}
    add_calls(now, now - 9.9 * DAY, now - 10.1 * DAY, now - 400 * DAY)
    summarise(now)
    assert run() == "2 call(s) deleted.\n"
    assert Call.objects.count() == 2
    assert all(each.start > now - 10 * DAY - QUARTER for each in CallSummary.objects.all())
    assert run() == "0 call(s) deleted.\n"


def test_days_of_ones_own_count_instead(now: datetime) -> None:
    add_calls(now, now - 0.3 * DAY, now - 0.7 * DAY)
    assert run("--days", "0.5") == "1 call(s) deleted.\n"
    assert run("--days", "1e300") == "0 call(s) deleted.\n"


@pytest.mark.parametrize("days", ["0", "-1", "nan", "inf", "many", ""])
def test_days_that_are_none_are_refused_and_nothing_goes(days: str, now: datetime) -> None:
    add_calls(now - 400 * DAY)
    with pytest.raises(CommandError, match=f"--days: must be a number of days above 0, not '{days}'"):
        run(f"--days={days}")
    assert Call.objects.count() == 1


def test_many_go_some_at_a_time_and_it_tells_how_far_it_is(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH_ROWS", 4)
    add_calls(*(now - 40 * DAY + timedelta(seconds=place) for place in range(6)))
    add_calls(*[now - 39 * DAY] * 6)  # of one moment: they go together
    with CaptureQueriesContext(connection) as queries:
        told = run(verbosity=2)
    assert told.splitlines() == [
        "4 call(s) deleted so far.",
        "12 call(s) deleted so far.",
        "12 call(s) deleted.",
    ]
    assert sum(query["sql"].startswith('DELETE FROM "mcp_django_call"') for query in queries) == 3
    assert not Call.objects.exists()


def test_it_may_be_quiet(now: datetime) -> None:
    add_calls(now - 400 * DAY)
    assert run(verbosity=0) == ""
    assert not Call.objects.exists()


def test_what_the_dashboard_shows_afterwards_is_what_is_there(now: datetime) -> None:
    limit = now - 0.5 * DAY
    add_calls(quarter_of(limit) - timedelta(seconds=1), quarter_of(limit), limit, now)
    summarise(now)
    assert run("--days", "0.5") == "1 call(s) deleted.\n"
    assert read_window("fixture", SPANS["day"], now).total.total.calls == Call.objects.count() == 3


def test_a_project_without_time_zones_is_cleared_too(settings: Any, now: datetime) -> None:
    settings.USE_TZ = False
    add_calls(now, now - 400 * DAY)
    assert run() == "1 call(s) deleted.\n"
