"""Where two answers differ, in few lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.differential.pair import Pair

MISSING = object()


def report(pair: Pair) -> str:
    """Say what of the two answers differs; empty when nothing does."""
    return "\n".join(_differing("", vars(pair.ours), vars(pair.theirs)))


def _differing(where: str, ours: Any, theirs: Any) -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in {**ours, **theirs}:
            yield from _differing(f"{where}.{key}", ours.get(key, MISSING), theirs.get(key, MISSING))
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from _differing(f"{where}[{number}]", one, other)
    elif type(ours) is not type(theirs) or ours != theirs:
        yield f"    {where}: ours {_short(ours)}, theirs {_short(theirs)}"


def _short(value: Any) -> str:
    text = "absent" if value is MISSING else repr(value)
    return text if len(text) <= 300 else f"{text[:200]} … {text[-100:]}"
