"""Sums over calls: outcomes, a histogram of durations, and the same for each component, client and user.

Durations are counted in bins whose borders grow by a quarter, so a percentile that is read from them is at most 12 %
away from the true one; all up to 0.1 ms are counted as that. Tallies of several quarters of an hour add up, as
percentiles would not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, log
from typing import Any, NamedTuple

FIRST_BIN_MS = 0.1
GROWTH = 1.25
_LOG_GROWTH = log(GROWTH)

BINS = 96
"""The last one begins at about three hours."""

MAX_PARTS = 200
"""Most components, clients and users that a summary keeps; the busiest, and the rest as one."""

REST = "…"
"""What stands for the rest."""

Key = tuple[str, ...]


class Row(NamedTuple):
    """What is read of a call, in the order of the query."""

    ended: Any
    milliseconds: float
    kind: str
    component: str
    client_id: str
    client_name: str
    user_id: Any
    outcome: str
    error: str


_NAMES = [str(place) for place in range(BINS)]


def bin_of(milliseconds: float) -> str:
    """Return the bin of a duration, as a text: it is a key of JSON."""
    if milliseconds <= FIRST_BIN_MS:
        return "0"
    return _NAMES[min(BINS - 1, ceil(log(milliseconds / FIRST_BIN_MS) / _LOG_GROWTH))]


Counts = dict[str, int]


def _merge(counts: Counts, others: Mapping[str, int]) -> None:
    for name, number in others.items():
        counts[name] = counts.get(name, 0) + number


@dataclass(slots=True)
class Part:
    """The sums of some calls."""

    outcomes: Counts = field(default_factory=dict)
    bins: Counts = field(default_factory=dict)

    @property
    def calls(self) -> int:
        return sum(self.outcomes.values())

    @property
    def refused(self) -> int:
        return self.outcomes.get("refused", 0)

    @property
    def cancelled(self) -> int:
        return self.outcomes.get("cancelled", 0)

    @property
    def ok(self) -> int:
        return self.outcomes.get("ok", 0)

    @property
    def errors(self) -> int:
        """Calls of which a function, or the server, made nothing."""
        return self.outcomes.get("tool_error", 0) + self.outcomes.get("failed", 0)

    @property
    def error_rate(self) -> float:
        """From 0 to 1."""
        return self.errors / self.calls if self.calls else 0.0

    def percentile(self, share: float) -> float | None:
        """Return the duration, in milliseconds, that so many of the calls did not exceed; ``None`` without any.

        Args:
            share: from 0 to 1.
        """
        wanted, seen = share * sum(self.bins.values()), 0
        for place in sorted(map(int, self.bins)):
            seen += self.bins[str(place)]
            if seen >= wanted:
                return FIRST_BIN_MS * float(GROWTH ** (place - 0.5)) if place else FIRST_BIN_MS
        return None

    def count(self, outcome: str, place: str | None = None) -> None:
        """Count one call; ``place``: its bin."""
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        if place is not None:
            self.bins[place] = self.bins.get(place, 0) + 1

    def add(self, data: Sequence[Mapping[str, int]]) -> None:
        """Add what ``data`` gave."""
        _merge(self.outcomes, data[0])
        _merge(self.bins, data[1])

    def data(self) -> list[Counts]:
        """Return it for JSON."""
        return [self.outcomes, self.bins]


@dataclass(slots=True)
class Tally:
    """The sums of one server in some time, in all and by what they are about."""

    total: Part = field(default_factory=Part)
    components: dict[Key, Part] = field(default_factory=dict)
    """By kind and key."""

    clients: dict[Key, Part] = field(default_factory=dict)
    """By OAuth client and the name that the client gives itself; without durations, as users are."""

    users: dict[Key, Part] = field(default_factory=dict)
    """By primary key, as text."""

    reasons: dict[Key, int] = field(default_factory=dict)
    """By outcome and error."""

    def count(self, row: Row) -> None:
        """Count one call. What was refused took no time, so it has no place among the durations."""
        place = None if row.outcome == "refused" else bin_of(row.milliseconds)
        self.total.count(row.outcome, place)
        if row.component:
            self.components.setdefault((row.kind, row.component), Part()).count(row.outcome, place)
        if row.client_id or row.client_name:
            self.clients.setdefault((row.client_id, row.client_name), Part()).count(row.outcome)
        if row.user_id is not None:
            self.users.setdefault((str(row.user_id),), Part()).count(row.outcome)
        if row.error:
            self.reasons[row.outcome, row.error] = self.reasons.get((row.outcome, row.error), 0) + 1

    def add(self, data: Mapping[str, Any]) -> None:
        """Add what ``data`` gave."""
        self.total.add(data["total"])
        for group, name in ((self.components, "components"), (self.clients, "clients"), (self.users, "users")):
            for key, part in data[name]:
                group.setdefault(tuple(key), Part()).add(part)
        for outcome, error, number in data["reasons"]:
            self.reasons[outcome, error] = self.reasons.get((outcome, error), 0) + number

    def data(self) -> dict[str, Any]:
        """Return it for JSON, with the busiest parts and the sum of the rest."""
        groups = {"components": self.components, "clients": self.clients, "users": self.users}
        reasons = sorted(self.reasons.items(), key=lambda item: -item[1])[:MAX_PARTS]
        return {
            "total": self.total.data(),
            "reasons": [[*key, number] for key, number in reasons],
            **{name: [[list(key), part.data()] for key, part in _busiest(group)] for name, group in groups.items()},
        }


def _busiest(group: dict[Key, Part]) -> Iterable[tuple[Key, Part]]:
    if len(group) <= MAX_PARTS:
        return group.items()
    ranked = sorted(group.items(), key=lambda item: -item[1].calls)
    rest = Part()
    for _, part in ranked[MAX_PARTS:]:
        rest.add(part.data())
    nobody = (*([""] * (len(ranked[0][0]) - 1)), REST)
    return [*ranked[:MAX_PARTS], (nobody, rest)]
