"""Quarters of an hour, summed up once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from mcp_django.activity import summaries as module
from mcp_django.activity.summaries import (
    GRACE,
    QUARTER,
    quarter_of,
    read_summaries,
    read_total,
    stored,
    summarise,
)
from mcp_django.activity.tally import Tally
from mcp_django.models import Call, CallSummary
from tests.activity.calls import add_calls

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def sums(server: str = "fixture") -> dict[datetime, int]:
    """Return how many calls each quarter has that is summed up."""
    found = {}
    for start, data in read_summaries(server, NOON - 30 * DAY, NOON + 30 * DAY):
        tally = Tally()
        tally.add(data)
        found[start] = tally.total.calls
    return found


@pytest.mark.parametrize(
    ("moment", "quarter"),
    [
        (datetime(2026, 11, 28, 12, 14, 59, 999999, tzinfo=UTC), NOON),
        (datetime(2026, 11, 28, 12, 15, tzinfo=UTC), NOON + QUARTER),
        (datetime(2026, 11, 28, 17, 50, tzinfo=ZoneInfo("Asia/Kathmandu")), NOON),  # 5 h 45 min ahead
    ],
)
def test_a_quarter_begins_at_a_quarter_of_an_hour_of_utc(moment: datetime, quarter: datetime) -> None:
    assert quarter_of(moment) == quarter


def test_each_quarter_and_server_has_its_own_sum() -> None:
    add_calls(NOON, NOON + 14 * MINUTE, NOON + 15 * MINUTE, NOON + 50 * MINUTE)
    add_calls(NOON, server="")
    assert summarise(NOON + 60 * MINUTE + GRACE) == NOON + 60 * MINUTE
    assert sums() == {NOON: 2, NOON + QUARTER: 1, NOON + 3 * QUARTER: 1}
    assert sums("")[NOON] == 1


def test_a_quarter_is_summed_up_when_late_rows_have_been_written() -> None:
    add_calls(NOON)
    assert summarise(NOON + QUARTER + GRACE - timedelta(seconds=1)) == NOON
    assert sums() == {}
    assert summarise(NOON + QUARTER + GRACE) == NOON + QUARTER
    assert sums() == {NOON: 1}


def test_what_is_summed_up_is_not_read_again(django_assert_num_queries: Any) -> None:
    add_calls(NOON)
    summarise(NOON + DAY + GRACE)
    with django_assert_num_queries(1):
        assert summarise(NOON + DAY + MINUTE) == NOON + DAY
    add_calls(NOON + DAY)
    summarise(NOON + DAY + QUARTER + GRACE)
    assert sums() == {NOON: 1, NOON + DAY: 1}


def test_of_several_processes_that_sum_up_at_once_the_first_has_written(monkeypatch: pytest.MonkeyPatch) -> None:
    add_calls(NOON, NOON)
    read_calls = module.read_calls

    def overtaken(*times: Any) -> Any:
        monkeypatch.setattr(module, "read_calls", read_calls)
        summarise(NOON + DAY)
        CallSummary.objects.filter(start=NOON).update(tally={"total": [{"ok": 99}, {}]})
        return read_calls(*times)

    monkeypatch.setattr(module, "read_calls", overtaken)
    assert summarise(NOON + DAY + GRACE) == NOON + DAY
    assert CallSummary.objects.get(start=NOON).tally["total"][0] == {"ok": 99}


def test_summaries_that_were_deleted_are_made_again_from_the_calls() -> None:
    add_calls(NOON, NOON + QUARTER)
    summarise(NOON + DAY)
    before = sums()
    CallSummary.objects.all().delete()
    summarise(NOON + DAY)
    assert sums() == before


def test_a_total_is_read_without_the_rest() -> None:
    add_calls(NOON, NOON + QUARTER, NOON + 2 * QUARTER, milliseconds=20)
    add_calls(NOON + QUARTER, outcome="refused", error="unknown")
    summarise(NOON + DAY)
    total = read_total("fixture", NOON + QUARTER, NOON + 3 * QUARTER)
    assert total.outcomes == {"ok": 2, "refused": 1}
    assert total.percentile(0.5) == pytest.approx(20, rel=0.12)
    assert read_total("other", NOON, NOON + DAY).calls == 0


def test_a_project_without_time_zones_has_the_same_sums(settings: Any) -> None:
    settings.USE_TZ = False
    settings.TIME_ZONE = "Asia/Kathmandu"
    add_calls(NOON, NOON + QUARTER)
    assert Call.objects.earliest("ended").ended == datetime(2026, 11, 28, 17, 45)
    assert stored(NOON) == Call.objects.earliest("ended").ended
    assert summarise(NOON + 2 * QUARTER + GRACE) == NOON + 2 * QUARTER
    assert sums() == {NOON: 1, NOON + QUARTER: 1}
