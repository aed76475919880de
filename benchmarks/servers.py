"""Requests per second and server CPU per call, through real servers under load."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.load import Connection, Load, Loop, connect, in_session, run_loop
from benchmarks.marks import (
    DAPHNE_CALL,
    DAPHNE_CONNECTIONS,
    DAPHNE_ORM,
    DAPHNE_ROW,
    DAPHNE_SESSION,
    DAPHNE_STREAM,
    SLOW_QUERIES_MS,
    UVICORN_CALL,
    Mark,
)
from benchmarks.measure import Effort, Series, Table, cores, pin, progress, turns
from benchmarks.processes import DAPHNE, UVICORN, Fleet, Server
from benchmarks.subjects.functions import ARGUMENTS, STRUCTURED
from benchmarks.wire import ERAS, Era, Request, call, check_call

OURS = ("benchmarks.subjects.ours:application",)
BARE = ("benchmarks.subjects.bare:application",)
BARE_ALOUD = ("benchmarks.subjects.bare_aloud:application",)
BARE_ROW = ("benchmarks.subjects.bare_row:shared",)
BARE_ROW_APART = ("benchmarks.subjects.bare_row:apart",)
SDK = ("--factory", "benchmarks.subjects.sdk:stateless")
SDK_SESSIONS = ("--factory", "benchmarks.subjects.sdk:sessions")

SLOW_CALLS = 8

UNPOOLED = "ours, CONN_MAX_AGE=0"
ALOUD = "bare, event stream"
"""A bare application that sends the frames which ours sends when a tool says something first."""

ROW, ROW_APART = "bare, reads the row", "bare, reads it as a Django view"
"""Bare applications that read the row and answer it, on one thread for all, and on one for each."""

SERVERS: Mapping[tuple[str, str], tuple[tuple[str, ...], tuple[str, ...], Mapping[str, str]]] = {
    ("daphne", "bare"): (DAPHNE, BARE, {}),
    ("daphne", ALOUD): (DAPHNE, BARE_ALOUD, {}),
    ("daphne", ROW): (DAPHNE, BARE_ROW, {}),
    ("daphne", ROW_APART): (DAPHNE, BARE_ROW_APART, {}),
    ("daphne", "ours"): (DAPHNE, OURS, {}),
    ("daphne", UNPOOLED): (DAPHNE, OURS, {"BENCHMARKS_CONN_MAX_AGE": "0"}),
    ("uvicorn", "bare"): (UVICORN, BARE, {}),
    ("uvicorn", "ours"): (UVICORN, OURS, {}),
    ("uvicorn", "SDK stateless"): (UVICORN, SDK, {}),
    ("uvicorn", "SDK sessions"): (UVICORN, SDK_SESSIONS, {}),
}


@dataclass(frozen=True, slots=True)
class Target:
    """What is loaded in one turn."""

    server: str
    app: str
    era: Era
    tool: str
    session: bool = False
    """Whether the client shakes hands, and says so with every request."""

    @property
    def floor(self) -> bool:
        """Whether it answers without looking at what it is asked."""
        return self.app in ("bare", ALOUD)

    @property
    def bare(self) -> Target:
        """The floor of the same server."""
        return Target(self.server, "bare", "modern", "add")

    @property
    def sdk(self) -> Target:
        """The SDK's cheapest way to the same end."""
        if self.era == "handshake":
            return Target("uvicorn", "SDK sessions", self.era, self.tool, session=True)
        return Target("uvicorn", "SDK stateless", self.era, self.tool)


TOOLS: tuple[tuple[Era, str], ...] = (
    ("modern", "add"),
    ("handshake", "add"),
    ("modern", "add_sync"),
    ("modern", "city_async"),
    ("modern", "city_sync"),
)

SESSION: tuple[Era, str] = ("handshake", "add")

STREAM = Target("daphne", "ours", "handshake", "add_aloud", session=True)
STREAM_FLOOR = Target("daphne", ALOUD, "handshake", "add_aloud")

ROW_FLOOR = Target("daphne", ROW, "modern", "city_async")

TARGETS = (
    Target("daphne", "bare", "modern", "add"),
    STREAM_FLOOR,
    ROW_FLOOR,
    Target("daphne", ROW_APART, "modern", "city_async"),
    *(Target("daphne", "ours", era, tool) for era, tool in TOOLS),
    Target("daphne", "ours", *SESSION, session=True),
    STREAM,
    *(Target("daphne", UNPOOLED, "modern", tool) for tool in ("city_async", "city_sync")),
    Target("uvicorn", "bare", "modern", "add"),
    *(Target("uvicorn", "ours", era, tool) for era, tool in TOOLS),
    Target("uvicorn", "ours", *SESSION, session=True),
    *(Target("uvicorn", "SDK stateless", era, tool) for era, tool in TOOLS),
    Target("uvicorn", "SDK sessions", *SESSION, session=True),
)

NEAR_TARGETS = tuple(
    target
    for target in TARGETS
    if target.server == "daphne" and target.app not in (ROW_APART, UNPOOLED) and target.tool != "add_sync"
)
"""Those whose ratios are near their marks: measured after each start."""


@dataclass
class Figures:
    """The figures of all targets at one number of connections."""

    cpu: Series = field(default_factory=Series)
    rate: Series = field(default_factory=Series)
    p50: Series = field(default_factory=Series)
    p99: Series = field(default_factory=Series)
    generator: Series = field(default_factory=Series)

    def add(self, target: Target, load: Load, cpu_seconds: float) -> None:
        name = repr(target)
        self.cpu.add(name, cpu_seconds / load.calls)
        self.rate.add(name, load.calls / load.seconds)
        self.p50.add(name, load.percentile_ms(50))
        self.p99.add(name, load.percentile_ms(99))
        self.generator.add(name, load.own_cpu / load.seconds)


async def _take_turn(target: Target, server: Server, connections: int, seconds: float) -> tuple[Load, float]:
    """Load one server, after a tenth of the time to warm up; return the load and the server's CPU seconds."""
    request = call(target.era, target.tool, ARGUMENTS[target.tool])
    opened = [await connect(server.port) for _ in range(connections)]
    try:
        ready = [(each, await _bytes(target, each, server.port, request)) for each in opened]
        if not target.floor:
            check_call((await opened[0].ask(ready[0][1]))[1], STRUCTURED[target.tool])
        await Loop(seconds / 10).run(ready)
        before = server.cpu()
        load = await Loop(seconds).run(ready)
        return load, server.cpu() - before
    finally:
        for each in opened:
            each.close()


async def _bytes(target: Target, connection: Connection, port: int, request: Request) -> bytes:
    if target.session:
        request = await in_session(connection, port, request)
    return request.to_http(port)


async def _load(fleet: Fleet, effort: Effort, targets: Iterable[Target], figures: Mapping[int, Figures]) -> None:
    """Load the servers of the targets with as many connections as ``figures`` names, and add to them."""
    named = {repr(target): target for target in targets}
    for connections, found in figures.items():
        for number in range(effort.load_rounds):
            progress(f"servers: {connections} connections, round {number + 1} of {effort.load_rounds}")
            for _, target in turns(named, number):
                server = fleet.servers[f"{target.server} {target.app}"]
                load, cpu_seconds = await _take_turn(target, server, connections, effort.load_seconds)
                found.add(target, load, cpu_seconds)


def _table(connections: int, figures: Figures) -> Table:
    rows: list[tuple[Any, ...]] = []
    for target in TARGETS:
        name = repr(target)
        to_sdk = figures.cpu.ratio(name, repr(target.sdk)) if target.sdk in TARGETS and not target.floor else None
        rows.append(
            (
                target.server,
                target.app,
                "" if target.floor else f"{target.era}, session" if target.session else target.era,
                "" if target.floor else target.tool,
                figures.rate.median(name),
                figures.cpu.median(name) * 1000,
                figures.cpu.ratio(name, repr(target.bare)),
                to_sdk,
                figures.p50.median(name),
                figures.p99.median(name),
            )
        )
    columns = ("server", "application", "era", "tool", "calls/s", "CPU ms", "x bare", "x SDK", "p50 ms", "p99 ms")
    return Table(f"Servers: `tools/call` at {connections} keep-alive connections", columns, rows)


def _judge(figures: dict[int, Figures], marks: list[Mark]) -> None:
    session = Target("daphne", "ours", *SESSION, session=True)
    for connections in DAPHNE_CONNECTIONS:
        cpu = figures[connections].cpu
        for era in ERAS:
            _mark(marks, cpu, connections, Target("daphne", "ours", era, "add"), DAPHNE_CALL)
            _mark(marks, cpu, connections, Target("uvicorn", "ours", era, "add"), UVICORN_CALL, to_sdk=True)
        _mark(marks, cpu, connections, session, DAPHNE_SESSION)
        _mark(marks, cpu, connections, STREAM, DAPHNE_STREAM)
        ratio = cpu.ratio(repr(STREAM), repr(STREAM_FLOOR))
        marks.append(Mark(f"daphne, {connections} connections, the same: ours / {ALOUD}", ratio, DAPHNE_STREAM))
    at_few = min(DAPHNE_CONNECTIONS)
    for tool in ("city_async", "city_sync"):
        ours = Target("daphne", "ours", "modern", tool)
        _mark(marks, figures[at_few].cpu, at_few, ours, DAPHNE_ORM)
        ratio = figures[at_few].cpu.ratio(repr(ours), repr(ROW_FLOOR))
        marks.append(Mark(f"daphne, {at_few} connections, {tool}: ours / {ROW}", ratio, DAPHNE_ROW))


def _mark(
    marks: list[Mark], cpu: Series, connections: int, ours: Target, limit: float, *, to_sdk: bool = False
) -> None:
    era = f"{ours.era}, session" if ours.session else ours.era
    label = f"{ours.server}, {connections} connections, {ours.tool}, {era}: ours / {'SDK' if to_sdk else 'bare'}"
    marks.append(Mark(label, cpu.ratio(repr(ours), repr(ours.sdk if to_sdk else ours.bare)), limit))


async def _ask_slowly(server: Server, effort: Effort) -> list[float]:
    """Return the wall seconds until ``SLOW_CALLS`` slow queries, asked at once, are all answered."""
    request = call("modern", "slow", ARGUMENTS["slow"]).to_http(server.port)
    opened = [await connect(server.port) for _ in range(SLOW_CALLS)]
    seconds = []
    try:
        for number in range(-1, effort.load_rounds):  # the first one starts the threads
            begun = perf_counter()
            for _, body in await asyncio.gather(*(each.ask(request) for each in opened)):
                check_call(body, STRUCTURED["slow"])
            if number >= 0:
                seconds.append(perf_counter() - begun)
    finally:
        for each in opened:
            each.close()
    return seconds


@contextmanager
def _started(directory: Path, targets: Iterable[Target]) -> Iterator[Fleet]:
    """The servers of the targets, on a core of their own."""
    wanted = {(target.server, target.app) for target in targets}
    for_servers, for_load = cores()
    with Fleet(directory, for_servers) as fleet:
        for (server, app), (runner, target, variables) in SERVERS.items():
            if (server, app) in wanted:
                fleet.start(f"{server} {app}", runner, target, variables)
        fleet.wait()
        pin(0, for_load)
        try:
            yield fleet
        finally:
            pin(0, for_servers | for_load)


def run(effort: Effort, marks: list[Mark], directory: Path) -> list[Table]:
    """Measure this part. Adds to ``marks``; the database that the environment names must hold its row."""
    figures = {connections: Figures() for connections in effort.connections}
    with _started(directory, TARGETS) as fleet:
        memory = {name: server.memory() for name, server in fleet.servers.items()}
        run_loop(_load(fleet, effort, TARGETS, figures))
        slow = run_loop(_ask_slowly(fleet.servers["daphne ours"], effort))
        rows = [(name, memory[name], server.memory()) for name, server in fleet.servers.items()]
    near = {connections: figures[connections] for connections in DAPHNE_CONNECTIONS}
    for _ in range(effort.load_starts - 1):
        with _started(directory, NEAR_TARGETS) as fleet:
            run_loop(_load(fleet, effort, NEAR_TARGETS, near))
    _judge(figures, marks)
    marks.append(
        Mark("daphne, eight queries of 100 ms at once in sync tools, ms", median(slow) * 1000, SLOW_QUERIES_MS)
    )
    tables = [_table(connections, each) for connections, each in figures.items()]
    tables.append(Table("Servers: resident memory in MB", ("server", "before load", "after load"), rows))
    shares = [
        (connections, max(map(each.generator.median, map(repr, TARGETS)))) for connections, each in figures.items()
    ]
    return [
        *tables,
        Table("The load generator's own share of its core, at its busiest", ("connections", "share"), shares),
    ]
