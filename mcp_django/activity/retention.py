"""The end of what was recorded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import QuerySet

from mcp_django.activity.summaries import quarter_of, stored, summarise
from mcp_django.models import Call, CallSummary

BATCH_ROWS = 10_000
"""Rows that one statement deletes: whoever writes meanwhile, to SQLite above all, waits for no more than these."""

MAX_DAYS = 36_500
"""Longer ago than this nothing was recorded."""


def delete_activity(now: datetime, days: float) -> Iterator[int]:
    """Delete calls and their summaries that are older than so many days, in whole quarters of an hour.

    Yields how many calls it were, each time some are gone for good.
    """
    limit = stored(quarter_of(now - timedelta(days=min(days, MAX_DAYS))))  # no summary may lose a part of its calls
    summarise(now)
    CallSummary.objects.filter(start__lt=limit).delete()
    old = Call.objects.filter(ended__lt=limit)
    while (last := _last_of_batch(old)) is not None:
        yield old.filter(ended__lte=last).delete()[0]
    if count := old.delete()[0]:
        yield count


def _last_of_batch(calls: QuerySet[Call]) -> datetime | None:
    return calls.order_by("ended").values_list("ended", flat=True)[BATCH_ROWS - 1 : BATCH_ROWS].first()
