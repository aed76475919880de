"""The last hour, day or week of one server, in slots for a chart."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from mcp_django.activity.summaries import QUARTER, quarter_of, read_calls, read_summaries, read_total, summarise
from mcp_django.activity.tally import Key, Part, Row, Tally, bin_of


@dataclass(frozen=True, slots=True)
class Span:
    """How far a window reaches back, and how long each of its slots is."""

    name: str
    length: timedelta
    slot: timedelta


SPANS = {
    span.name: span
    for span in (
        Span("hour", timedelta(hours=1), timedelta(minutes=1)),
        Span("day", timedelta(days=1), timedelta(minutes=15)),
        Span("week", timedelta(days=7), timedelta(hours=2)),
    )
}


@dataclass(slots=True)
class Slot:
    """One place of the charts."""

    total: Part = field(default_factory=Part)
    components: dict[Key, int] = field(default_factory=dict)
    """Calls by kind and key."""


@dataclass(slots=True)
class Window:
    """What happened in one span."""

    span: Span
    start: datetime
    end: datetime
    slots: list[Slot] = field(default_factory=list)
    total: Tally = field(default_factory=Tally)
    before: Part = field(default_factory=Part)
    """What happened in ``times_before``, as far as it is summed up."""

    @property
    def times_before(self) -> tuple[datetime, datetime]:
        """From and until when the span before lasted, in whole quarters of an hour."""
        return quarter_of(self.start - self.span.length), quarter_of(self.start)

    def moment_of(self, place: int) -> datetime:
        """Return when a slot begins."""
        return self.start + place * self.span.slot

    def slot_of(self, moment: datetime) -> Slot:
        """Return the slot in which a moment lies."""
        return self.slots[(moment - self.start) // self.span.slot]

    def add(self, start: datetime, data: Any) -> None:
        """Add a quarter of an hour that is summed up."""
        self.total.add(data)
        slot = self.slot_of(start)
        slot.total.add(data["total"])
        for key, part in data["components"]:
            kind, name = key
            slot.components[kind, name] = slot.components.get((kind, name), 0) + sum(part[0].values())

    def count(self, row: Row) -> None:
        """Count one call."""
        self.total.count(row)
        slot, key = self.slot_of(row.ended), (row.kind, row.component)
        slot.total.count(row.outcome, None if row.outcome == "refused" else bin_of(row.milliseconds))
        slot.components[key] = slot.components.get(key, 0) + 1


def read_window(server: str, span: Span, now: datetime) -> Window:
    """Return a window that ends now. For sync code.

    An hour is read call by call. Longer spans are read from summaries, and only what isn't summed up yet from calls.
    """
    summarised = summarise(now)
    end = _floor(now, span.slot) + span.slot
    window = Window(span, end - span.length, end)
    window.slots = [Slot() for _ in range(round(span.length / span.slot))]
    fine = window.start
    if span.slot >= QUARTER:
        fine = max(summarised, window.start)
        for start, data in read_summaries(server, window.start, fine):
            window.add(start, data)
    for _, row in read_calls(fine, end, server):
        window.count(row)
    window.before = read_total(server, *window.times_before)
    return window


def _floor(moment: datetime, step: timedelta) -> datetime:
    """Return the beginning of the step, counted from midnight UTC, in which a moment lies."""
    quarter = quarter_of(moment)
    midnight = quarter.replace(hour=0, minute=0)
    return midnight + (moment - midnight) // step * step
