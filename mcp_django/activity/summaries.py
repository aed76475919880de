"""Quarters of an hour that are over, summed up once: a week is then some hundred small rows instead of a million calls.

A summary is a copy of what the calls say, so it can be deleted, and is made again by whoever needs it next.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from mcp_django.activity.tally import Part, Row, Tally
from mcp_django.models import Call, CallSummary

QUARTER = timedelta(minutes=15)

GRACE = timedelta(seconds=30)
"""A quarter is summed up so long after its end: a row is written a moment after its call."""

_NAMES = Row._fields


def quarter_of(moment: datetime) -> datetime:
    """Return the beginning of its quarter of an hour, in UTC."""
    moment = aware(moment).astimezone(UTC)
    return moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)


def aware(moment: datetime) -> datetime:
    """Return a moment that the ORM gave, with its time zone."""
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


def stored(moment: datetime) -> datetime:
    """Return a moment as the ORM takes it under this project's ``USE_TZ``."""
    return moment if settings.USE_TZ else timezone.make_naive(moment)


def summarise(now: datetime) -> datetime:
    """Sum up what isn't yet; return from when on there are no summaries. For sync code.

    Several processes may do it at once: they come to the same, and the first to write has written.
    """
    until = quarter_of(now - GRACE)
    last = CallSummary.objects.order_by("-start").values_list("start", flat=True).first()
    since = quarter_of(last) + QUARTER if last is not None else None
    if since is not None and since >= until:
        return since
    found: dict[tuple[datetime, str], Tally] = {}
    start = end = until
    for server, row in read_calls(since, until):
        if not start <= row.ended < end:  # they come almost in order
            start = quarter_of(row.ended)
            end = start + QUARTER
        found.setdefault((start, server), Tally()).count(row)
    found.setdefault((until - QUARTER, ""), Tally())  # what was looked through needn't be again
    rows = [
        CallSummary(start=stored(start), server=server, tally=tally.data()) for (start, server), tally in found.items()
    ]
    CallSummary.objects.bulk_create(rows, batch_size=100, ignore_conflicts=True)
    return until


def read_calls(since: datetime | None, until: datetime | None, server: str | None = None) -> Iterator[tuple[str, Row]]:
    """Yield the calls of some time, and of one server or all, with their servers."""
    rows = Call.objects.order_by()
    if since is not None:
        rows = rows.filter(ended__gte=stored(since))
    if until is not None:
        rows = rows.filter(ended__lt=stored(until))
    if server is not None:
        rows = rows.filter(server=server)
    for name, ended, *values in rows.values_list("server", *_NAMES).iterator(chunk_size=5000):
        yield name, Row(aware(ended), *values)


def read_summaries(server: str, since: datetime, until: datetime) -> Iterator[tuple[datetime, Any]]:
    """Yield the quarters of one server that begin in this time, with what ``Tally.data`` gave."""
    rows: Any = CallSummary.objects.filter(server=server, start__gte=stored(since), start__lt=stored(until))
    for start, data in rows.values_list("start", "tally").iterator():
        yield quarter_of(start), data


def read_total(server: str, since: datetime, until: datetime) -> Part:
    """Return the sums of one server in all that begins in this time. The database takes them out of the rest."""
    found = Part()
    rows: Any = CallSummary.objects.filter(server=server, start__gte=stored(since), start__lt=stored(until))
    for data in rows.values_list("tally__total", flat=True).iterator():
        found.add(data)
    return found
