"""Sums over calls, and percentiles from a histogram."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from mcp_django.activity.tally import BINS, FIRST_BIN_MS, MAX_PARTS, REST, Part, Row, Tally, bin_of


def row(**changes: Any) -> Row:
    values: dict[str, Any] = {"ended": None, "milliseconds": 5.0, "kind": "tool", "component": "search"}
    values |= {"client_id": "editor", "client_name": "Claude", "user_id": 1, "outcome": "ok", "error": ""}
    return Row(**{**values, **changes})


def tally_of(*rows: Row) -> Tally:
    tally = Tally()
    for each in rows:
        tally.count(each)
    return tally


def again(tally: Tally) -> Any:
    """What the database gives back."""
    return json.loads(json.dumps(tally.data()))


def exact(durations: list[float], share: float) -> float:
    ranked = sorted(durations)
    return next(each for place, each in enumerate(ranked, 1) if place >= share * len(ranked))


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99, 1])
@pytest.mark.parametrize("scale", [0.2, 3, 40, 2500, 300_000])
def test_a_percentile_is_at_most_12_percent_off(share: float, scale: float) -> None:
    chance = random.Random(f"{share} {scale}")
    durations = [FIRST_BIN_MS + chance.expovariate(1 / scale) for _ in range(500)]
    shown = tally_of(*(row(milliseconds=each) for each in durations)).total.percentile(share)
    assert shown == pytest.approx(exact(durations, share), rel=0.12)


def test_what_is_shorter_than_the_first_bin_or_longer_than_the_last_is_counted_in_it() -> None:
    assert [bin_of(each) for each in (0, 0.05, 0.1, 1e12)] == ["0", "0", "0", str(BINS - 1)]
    assert tally_of(row(milliseconds=0.0)).total.percentile(0.5) == FIRST_BIN_MS


def test_nothing_has_no_percentile_and_no_errors() -> None:
    assert (Part().percentile(0.5), Part().error_rate) == (None, 0.0)


def test_outcomes_are_counted_and_two_of_them_are_errors() -> None:
    total = tally_of(
        *(row(outcome=each) for each in ["ok", "ok", "tool_error", "failed", "refused", "cancelled"])
    ).total
    assert (total.calls, total.ok, total.errors, total.refused, total.cancelled) == (6, 2, 2, 1, 1)
    assert total.error_rate == pytest.approx(1 / 3)


def test_what_was_refused_takes_no_part_in_the_percentiles() -> None:
    total = tally_of(row(milliseconds=50), *[row(milliseconds=0.2, outcome="refused")] * 10).total
    assert total.percentile(0.01) == pytest.approx(50, rel=0.12)


def test_a_call_is_counted_for_its_component_its_client_its_user_and_its_reason() -> None:
    tally = tally_of(
        row(outcome="tool_error", error="ToolError"),
        row(user_id=None, client_id="", kind="prompt"),
        row(component="", client_name="", client_id="", user_id=2, outcome="refused", error="unknown"),
    )
    assert {key: part.calls for key, part in tally.components.items()} == {
        ("tool", "search"): 1,
        ("prompt", "search"): 1,
    }
    assert {key: part.calls for key, part in tally.clients.items()} == {("editor", "Claude"): 1, ("", "Claude"): 1}
    assert {key: part.calls for key, part in tally.users.items()} == {("1",): 1, ("2",): 1}
    assert tally.reasons == {("tool_error", "ToolError"): 1, ("refused", "unknown"): 1}


def test_tallies_add_up_to_that_of_all_calls() -> None:
    chance = random.Random(7)
    rows = [
        row(
            milliseconds=chance.expovariate(1 / 20),
            component=chance.choice("abc"),
            user_id=chance.choice([1, 2, None]),
            outcome=(outcome := chance.choice(["ok", "tool_error", "refused"])),
            error="" if outcome == "ok" else chance.choice("xy"),
        )
        for _ in range(300)
    ]
    added = Tally()
    for begin in range(0, 300, 70):
        added.add(again(tally_of(*rows[begin : begin + 70])))
    assert added == tally_of(*rows)


def test_the_busiest_parts_are_kept_and_the_rest_is_one() -> None:
    calls = {number: 1 + number % 7 for number in range(MAX_PARTS + 30)}
    tally = tally_of(*(row(user_id=number) for number, count in calls.items() for _ in range(count)))
    kept = Tally()
    kept.add(again(tally))
    assert len(kept.users) == MAX_PARTS + 1
    ranked = sorted(calls.values(), reverse=True)
    assert kept.users.pop((REST,)).calls == sum(ranked[MAX_PARTS:])
    assert sorted((part.calls for part in kept.users.values()), reverse=True) == ranked[:MAX_PARTS]
    assert kept.total.calls == sum(ranked)


def test_of_many_reasons_the_most_frequent_are_kept() -> None:
    rows = [row(outcome="refused", error=str(number)) for number in range(MAX_PARTS + 5)]
    kept = Tally()
    kept.add(again(tally_of(*rows, rows[-1])))
    assert len(kept.reasons) == MAX_PARTS
    assert kept.reasons["refused", str(MAX_PARTS + 4)] == 2
