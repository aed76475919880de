"""How CPU is read, how subjects take turns, and how their figures are put together.

Other work on the machine moves every absolute figure. What is stable is the ratio of two subjects that ran right after
one another, so subjects take turns, round after round, and a ratio is the median of the rounds' ratios.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to measure."""

    rounds: int
    """Turns of every subject in process."""

    batch_seconds: float
    """CPU seconds of one turn in process."""

    load_starts: int
    """How often servers under load are started for subjects whose ratios are near their marks. Where a process lands in
    memory moves what it spends by some hundredths; the other subjects are measured after the first start only."""

    load_rounds: int
    """Turns of every subject under load, after each start."""

    load_seconds: float
    """Wall seconds of one turn under load. A server's housekeeping belongs to what a call costs: daphne lets go once a
    second of the requests that it has answered, and until then the garbage collector walks through them."""

    connections: tuple[int, ...]
    starts: int
    """Turns of every process whose start is measured."""

    trips: int
    """Round trips of one turn over stdio."""

    streams: int
    """Sessions, and open streams, of each server."""

    stream_starts: int
    """How often the servers with streams are started: an idle stream's memory is measured once a start."""

    stream_rounds: int
    """Events told after each start."""


FULL = Effort(
    rounds=150,
    batch_seconds=0.01,
    load_starts=3,
    load_rounds=6,
    load_seconds=1.0,
    connections=(1, 8, 32),
    starts=21,
    trips=1000,
    streams=1000,
    stream_starts=1,
    stream_rounds=9,
)
QUICK = Effort(
    rounds=40,
    batch_seconds=0.01,
    load_starts=1,
    load_rounds=3,
    load_seconds=0.5,
    connections=(8, 32),
    starts=5,
    trips=300,
    streams=300,
    stream_starts=1,
    stream_rounds=5,
)


@dataclass(slots=True)
class Series:
    """One figure of several subjects, a value for each round. All take part in the first rounds, some go on."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, subject: str, value: float) -> None:
        self.values.setdefault(subject, []).append(value)

    def median(self, subject: str) -> float:
        return median(self.values[subject])

    def ratio(self, subject: str, base: str) -> float:
        """Return the median of the ratios of the rounds in which both took part.

        Raises:
            ValueError: one has missed a round: who goes on does so for as many rounds again, after each start.
        """
        ones, others = self.values[subject], self.values[base]
        rounds = min(len(ones), len(others))
        if len(ones) % rounds or len(others) % rounds:
            raise ValueError(f"{subject} took {len(ones)} turns, and {base} {len(others)}.")
        return median(one / other for one, other in zip(ones[:rounds], others[:rounds], strict=True))


@dataclass(frozen=True, slots=True)
class Table:
    """Rows for people; ``None`` is an empty cell."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def text(self) -> str:
        """Return the table in Markdown, its columns aligned."""
        lines = [self.columns, *(tuple(map(_cell, row)) for row in self.rows)]
        widths = [max(len(line[place]) for line in lines) for place in range(len(self.columns))]
        numeric = [all(isinstance(row[place], int | float | None) for row in self.rows) for place in range(len(widths))]
        rule = ["-" * (width - 1) + ":" if right else "-" * width for width, right in zip(widths, numeric, strict=True)]
        body = [
            "| "
            + " | ".join(
                cell.rjust(width) if right else cell.ljust(width)
                for cell, width, right in zip(line, widths, numeric, strict=True)
            )
            + " |"
            for line in (lines[0], tuple(rule), *lines[1:])
        ]
        return "\n".join([f"### {self.title}", "", *body, ""])

    def data(self) -> dict[str, Any]:
        """Return the table for JSON."""
        return {"title": self.title, "rows": [dict(zip(self.columns, row, strict=True)) for row in self.rows]}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, float):
        return str(value)
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.095 else 4
    return f"{value:.{digits}f}"


def turns(subjects: Mapping[str, T], number: int) -> Iterable[tuple[str, T]]:
    """Return the subjects in the order of a round: forth in one, back in the next, so that no place is favoured."""
    pairs = list(subjects.items())
    return pairs if number % 2 == 0 else reversed(pairs)


def cpu_of(pid: int) -> float:
    """Return the CPU seconds that a running process has used, its threads included.

    Linux only: reads the process's own clock (what ``clock_getcpuclockid(3)`` returns), which counts nanoseconds where
    ``/proc/<pid>/stat`` counts hundredths of a second.
    """
    return time.clock_gettime_ns(~pid << 3 | 2) / 1e9


def children_of(pid: int) -> list[int]:
    """Return the processes that a running process has started. Linux only."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text(encoding="ascii").split()]


def memory_of(pid: int) -> float:
    """Return the resident memory of a running process in MB. Linux only."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def cores() -> tuple[set[int], set[int]]:
    """Return the core of the servers and that of the load: two different ones where there are two."""
    if not hasattr(os, "sched_getaffinity"):
        return set(), set()
    usable = sorted(os.sched_getaffinity(0))
    return {usable[0]}, {usable[-1]}


def pin(pid: int, to: set[int]) -> None:
    """Keep a process (0: this one) on the given cores, where the system can."""
    if to and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(pid, to)


def progress(text: str) -> None:
    """Tell the person who waits."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
