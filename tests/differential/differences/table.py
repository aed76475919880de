"""How a known difference is written down, and how the table is used."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from tests.differential.pair import Pair
from tests.differential.report import report

Level = Callable[[Pair], None]


@dataclass(frozen=True)
class Difference:
    """Something that differs on purpose."""

    id: str
    reason: str
    source: str
    """The specification's sentence, or the rule of ours, behind it."""

    level: Level
    everywhere: bool
    """So common that no case of the corpus names it."""


TABLE: list[Difference] = []


def difference(id: str, reason: str, source: str, *, everywhere: bool = False) -> Callable[[Level], Level]:
    def declare(level: Level) -> Level:
        TABLE.append(Difference(id, reason, source, level, everywhere))
        return level

    return declare


def compare(pair: Pair) -> tuple[frozenset[str], Pair]:
    """Level the known differences; return those that the pair shows, and the pair without them."""
    shown = set()
    before = _fingerprint(pair)
    for known in sorted(TABLE, key=lambda known: known.everywhere) if report(pair) else ():
        known.level(pair)
        after = _fingerprint(pair)
        if after != before:
            shown.add(known.id)
            before = after
    return frozenset(shown), pair


def _fingerprint(pair: Pair) -> str:
    return json.dumps(vars(pair.theirs))
