"""What the first page says of a window: figures, and the changelist's address of the calls behind each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import get_user_model
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from mcp_django.activity.summaries import stored
from mcp_django.activity.tally import REST, Key, Part
from mcp_django.activity.windows import Window
from mcp_django.dashboard.charts import Chart, lines, spark, stacked

LIMITS = ("throttled", "too_many_calls", "too_many_messages", "too_many_sessions", "too_many_streams")
"""Reasons of refusals that a setting of ``MAX_...``, or a ``throttle``, has caused."""

MOST = 8
"""Most rows of a table."""

ERRORS = "tool_error,failed"
"""The outcomes that count as errors, as the changelist takes them."""

TIMED = "ok,tool_error,cancelled,failed"
"""Those of calls that took time, of which the percentiles are."""

Address = Callable[..., str]
"""From lookups of ``Call``, and from and until when if not all of the window, to the changelist that has them.

Empty for who may not see it.
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table: a component, a client or a user."""

    label: str
    about: str
    part: Part
    url: str
    errors_url: str = ""
    spark: str = ""

    @property
    def p50(self) -> float | None:
        return self.part.percentile(0.5)

    @property
    def p95(self) -> float | None:
        return self.part.percentile(0.95)


def addresses(changelist: str, server: str, window: Window) -> Address:
    """Return what makes addresses of this window's calls. ``changelist``: empty when there is none to link to."""

    def address(since: datetime = window.start, until: datetime = window.end, **lookups: str) -> str:
        if not changelist:
            return ""
        times = {"ended__gte": since, "ended__lt": until}
        query = {name: stored(moment.astimezone(UTC)).isoformat(" ") for name, moment in times.items()}
        return f"{changelist}?{urlencode({'server__exact': server, **query, **lookups})}"

    return address


def words_of(window: Window) -> list[str]:
    """Return what stands below each slot."""
    form = "D H:i" if window.span.name == "week" else "H:i"
    return [date_format(localtime(window.moment_of(place)), form) for place in range(len(window.slots))]


def calls_chart(window: Window) -> Chart:
    """Return calls per minute, by what came of them."""
    minutes = window.span.slot.total_seconds() / 60
    groups = (
        ("ok", _("ok"), ("ok",)),
        ("quiet", _("cancelled"), ("cancelled",)),
        ("refused", _("refused"), ("refused",)),
        ("error", _("errors"), ("tool_error", "failed")),
    )
    series = [
        (name, label, [sum(slot.total.outcomes.get(each, 0) for each in outcomes) / minutes for slot in window.slots])
        for name, label, outcomes in groups
    ]
    return stacked(series, words_of(window), width=760, height=210)


def latency_chart(window: Window) -> Chart:
    """Return percentiles of the durations, in milliseconds."""
    series = [
        (f"p{share}", f"p{share}", [slot.total.percentile(share / 100) for slot in window.slots])
        for share in (50, 95, 99)
    ]
    return lines(series, words_of(window), width=420, height=210)


def numbers(window: Window, address: Address) -> list[dict[str, Any]]:
    """Return what both charts show, for those who read numbers: the slots in which anything was called."""
    rows = []
    for place, (word, slot) in enumerate(zip(words_of(window), window.slots, strict=True)):
        total = slot.total
        if total.calls:
            times = (window.moment_of(place), window.moment_of(place + 1))
            counts = [
                (total.calls, address(*times)),
                (total.ok, address(*times, outcome__exact="ok")),
                (total.errors, address(*times, outcome__in=ERRORS)),
                (total.refused, address(*times, outcome__exact="refused")),
                (total.cancelled, address(*times, outcome__exact="cancelled")),
            ]
            shares = [total.percentile(share / 100) for share in (50, 95, 99)]
            rows.append({"when": word, "counts": counts, "shares": shares})
    return rows


def component_lines(window: Window, address: Address) -> list[Line]:
    """Return the components by how often they are called."""
    found = []
    for (kind, key), part in _ranked(window.total.components, lambda part: part.calls):
        lookups = {"component__exact": key, "kind__exact": kind}
        url, errors_url = "", ""
        if key != REST:
            url, errors_url = address(**lookups), address(**lookups, outcome__in=ERRORS)
        found.append(Line(key, kind, part, url, errors_url, spark(_course(window, (kind, key)))))
    return found


def slowest(found: list[Line]) -> list[Line]:
    """Return those whose slowest calls take longest."""
    return sorted((line for line in found if line.p95 is not None), key=lambda line: -(line.p95 or 0))[:5]


def most_failing(found: list[Line]) -> list[Line]:
    """Return those that fail, the worst first."""
    return sorted((line for line in found if line.part.errors), key=lambda line: -line.part.errors)[:5]


def client_lines(window: Window, address: Address) -> list[Line]:
    """Return the clients by how often they call."""
    found = []
    for (client_id, name), part in _ranked(window.total.clients, lambda part: part.calls)[:MOST]:
        lookups, url, errors_url = {"client_id__exact": client_id, "client_name__exact": name}, "", ""
        if name != REST:
            url, errors_url = address(**lookups), address(**lookups, outcome__in=ERRORS)
        found.append(Line(name or client_id, client_id if name else "", part, url, errors_url))
    return found


def user_lines(window: Window, address: Address) -> list[Line]:
    """Return the users by how often their clients call; of all of them, the names in one query."""
    ranked = _ranked(window.total.users, lambda part: part.calls)[:MOST]
    keys = [key for (key,), _part in ranked if key != REST]
    users = {str(pk): user.get_username() for pk, user in get_user_model()._default_manager.in_bulk(keys).items()}
    found = []
    for (key,), part in ranked:
        if key == REST:
            found.append(Line(REST, "", part, ""))
            continue
        url, errors_url = address(user__exact=key), address(user__exact=key, outcome__in=ERRORS)
        found.append(Line(users.get(key, _("deleted user %s") % key), "", part, url, errors_url))
    return found


def reasons(window: Window, address: Address, *outcomes: str, of: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Return why calls of these outcomes came to it, the most frequent first. ``of``: these words alone."""
    return [
        {"error": error, "count": count, "url": address(outcome__exact=outcome, error__exact=error)}
        for (outcome, error), count in sorted(window.total.reasons.items(), key=lambda item: -item[1])
        if outcome in outcomes and (not of or error in of)
    ][:MOST]


def _ranked(group: dict[Key, Part], rank: Callable[[Part], int]) -> list[tuple[Key, Part]]:
    return sorted(group.items(), key=lambda item: (item[0][-1] == REST, -rank(item[1])))


def _course(window: Window, component: Key) -> list[float]:
    """Return how often a component was called in some twenty parts of the window."""
    calls = [slot.components.get(component, 0) for slot in window.slots]
    size = max(1, len(calls) // 20)
    return [float(sum(calls[begin : begin + size])) for begin in range(0, len(calls), size)]
