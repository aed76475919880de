"""The last hour, day and week, from calls and from summaries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mcp_django.activity.summaries import GRACE
from mcp_django.activity.tally import Row
from mcp_django.activity.windows import SPANS, Window, read_window
from mcp_django.models import Call, CallSummary
from tests.activity.calls import add_calls

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 28, 12, 34, 56, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = (timedelta(**{name: 1}) for name in ("seconds", "minutes", "hours", "days"))


def counts(window: Window) -> dict[datetime, int]:
    """Return how many calls lie in each slot that has any."""
    slots = enumerate(window.slots)
    return {window.moment_of(place): slot.total.calls for place, slot in slots if slot.total.calls}


@pytest.mark.parametrize(
    ("name", "start", "end", "slots"),
    [
        ("hour", NOW.replace(hour=11, minute=35, second=0), NOW.replace(minute=35, second=0), 60),
        ("day", NOW.replace(day=27, minute=45, second=0), NOW.replace(minute=45, second=0), 96),
        ("week", NOW.replace(day=21, hour=14, minute=0, second=0), NOW.replace(hour=14, minute=0, second=0), 84),
    ],
)
def test_a_window_ends_with_the_slot_that_is_now(name: str, start: datetime, end: datetime, slots: int) -> None:
    window = read_window("fixture", SPANS[name], NOW)
    assert (window.start, window.end, len(window.slots)) == (start, end, slots)
    assert window.moment_of(0) == start
    assert window.moment_of(slots) == end


@pytest.mark.parametrize("name", SPANS)
def test_the_first_and_the_last_moment_count_and_those_around_dont(name: str) -> None:
    start, end = (read_window("fixture", SPANS[name], NOW).start, NOW)
    CallSummary.objects.all().delete()
    add_calls(start - SECOND, start, end, NOW - SPANS[name].length * 3)
    window = read_window("fixture", SPANS[name], NOW)
    assert counts(window) == {start: 1, window.moment_of(len(window.slots) - 1): 1}
    assert window.total.total.calls == 2


@pytest.mark.parametrize("name", SPANS)
def test_a_window_is_the_same_from_summaries_as_from_calls(name: str) -> None:
    span = SPANS[name]
    for place in range(97):
        ended = NOW - place * span.length / 90 - place * SECOND
        outcome = ("ok", "refused", "tool_error")[place % 3]
        add_calls(ended, outcome=outcome, error="" if outcome == "ok" else "x", component=f"tool {place % 5}")
    window = read_window("fixture", span, NOW)
    alone = Window(span, window.start, window.end, [type(slot)() for slot in window.slots])
    for call in Call.objects.filter(ended__gte=window.start, ended__lt=window.end):
        alone.count(Row(*(getattr(call, name) for name in Row._fields)))
    assert window.total == alone.total
    assert window.slots == alone.slots
    assert window.total.total.calls > 80


def test_another_servers_calls_are_not_counted() -> None:
    add_calls(NOW - MINUTE, NOW - HOUR * 5, server="other")
    for span in SPANS.values():
        assert read_window("fixture", span, NOW).total.total.calls == 0
    assert read_window("other", SPANS["day"], NOW).total.total.calls == 2


@pytest.mark.parametrize("name", SPANS)
def test_the_time_before_is_as_long_and_ends_where_the_window_begins(name: str) -> None:
    span = SPANS[name]
    since, until = read_window("fixture", span, NOW).times_before
    assert until - since == span.length
    CallSummary.objects.all().delete()
    add_calls(since - SECOND, since, until - SECOND, NOW)
    assert read_window("fixture", span, NOW).before.calls == 2


def test_a_day_reads_only_what_is_not_summed_up_from_the_calls() -> None:
    add_calls(NOW - 5 * HOUR, NOW - 3 * MINUTE)
    read_window("fixture", SPANS["day"], NOW)
    Call.objects.all().delete()
    assert read_window("fixture", SPANS["day"], NOW).total.total.calls == 1


def test_a_call_of_the_grace_time_is_counted_once() -> None:
    now = NOW.replace(minute=30, second=0) + GRACE - SECOND
    add_calls(now - MINUTE, now)
    assert read_window("fixture", SPANS["day"], now).total.total.calls == 2
    assert read_window("fixture", SPANS["day"], now + SECOND).total.total.calls == 2


def test_a_project_without_time_zones_has_the_same_windows(settings: Any) -> None:
    settings.USE_TZ = False
    settings.TIME_ZONE = "America/St_Johns"
    add_calls(NOW, NOW - 5 * MINUTE, NOW - 5 * HOUR, NOW - 3 * DAY)
    assert [read_window("fixture", span, NOW).total.total.calls for span in SPANS.values()] == [2, 3, 4]
