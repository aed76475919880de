"""Sessions and event streams: what idle ones hold in memory, and what an event costs that all of them are told."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from tempfile import mkdtemp
from time import perf_counter

from benchmarks.audience import Audience
from benchmarks.load import Connection, connect, run_loop, shake_hands
from benchmarks.marks import (
    FAN_OUT,
    FIRST_BYTE_MS,
    IDLE_SESSION_KB,
    IDLE_SESSION_TASKS,
    IDLE_STREAM,
    IDLE_STREAM_KB,
    STREAM_TO_SDK,
    Mark,
)
from benchmarks.measure import Effort, Series, Table, cores, pin, progress, turns
from benchmarks.processes import DAPHNE, UVICORN, Fleet, Server
from benchmarks.wire import Era, call, get, listen, session_stream

BARE, OURS, SDK = "bare", "ours", "SDK"

SERVERS = {"daphne": DAPHNE, "uvicorn": UVICORN}
TARGETS = {
    BARE: ("benchmarks.subjects.bare_streams:application",),
    OURS: ("benchmarks.subjects.our_streams:application",),
    SDK: ("benchmarks.subjects.sdk_streams:application",),
}

FIRST = 20
"""Sessions and streams that are opened before the memory is first read: what a server keeps once is there by then."""

FIRST_SESSIONS = 1000
"""The same for sessions, for longer than a second: so often daphne lets go of the requests it has answered, and each of
those holds more memory than a session."""

ALONE = 5
"""So many of the first streams are opened one by one, for the time to their first byte."""

SLOW_SECONDS = 5
"""When one takes so long, no other is opened like that."""

SETTLE_SECONDS = 1.0
"""Before the memory of streams is read: a server may do something about a stream only when it stays open."""

REST_SECONDS = 0.3
"""After an event has arrived everywhere: what the server still does because of it counts too."""

STREAM_NAMES: Mapping[Era, str] = {"modern": "`subscriptions/listen`", "handshake": "GET of a session"}


@dataclass(frozen=True, slots=True)
class Subject:
    """One server process with streams of one kind."""

    server: str
    app: str
    era: Era

    @property
    def bare(self) -> Subject:
        """The floor of the same server."""
        return Subject(self.server, BARE, "modern")

    @property
    def sdk(self) -> Subject:
        """The SDK's on the same server."""
        return Subject(self.server, SDK, self.era)

    @property
    def sessions(self) -> bool:
        return self.era == "handshake"


SUBJECTS = tuple(
    Subject(server, app, era)
    for server in SERVERS
    for app, era in (
        (BARE, "modern"),
        (OURS, "modern"),
        (OURS, "handshake"),
        (SDK, "modern"),
        (SDK, "handshake"),
    )
)


@dataclass
class Figures:
    """The figures of all subjects; those of sessions, streams and events have different numbers of rounds."""

    session_kb: Series = field(default_factory=Series)
    session_tasks: Series = field(default_factory=Series)
    session_cpu: Series = field(default_factory=Series)
    stream_kb: Series = field(default_factory=Series)
    stream_tasks: Series = field(default_factory=Series)
    stream_cpu: Series = field(default_factory=Series)
    first_byte: Series = field(default_factory=Series)
    event_cpu: Series = field(default_factory=Series)
    half: Series = field(default_factory=Series)
    last: Series = field(default_factory=Series)


class Gauge:
    """What a server holds and has used, as differences per item."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def start(self) -> None:
        """Remember how things are."""
        self._tasks = await self._count_tasks()
        self._memory, self._cpu = self._server.memory(), self._server.cpu()

    async def read(self, items: int) -> tuple[float, float, float]:
        """Return KB, tasks and CPU seconds per item since then."""
        cpu = self._server.cpu() - self._cpu
        tasks = await self._count_tasks() - self._tasks
        memory = self._server.memory() - self._memory
        return memory * 1000 / items, tasks / items, cpu / items

    async def _count_tasks(self) -> int:
        return int(await _ask(self._server.port, "/tasks"))


async def _ask(port: int, path: str) -> bytes:
    """Ask on a connection of its own: uvicorn closes one that has been idle for 5 seconds."""
    with closing(await connect(port)) as connection:
        return (await connection.ask(get(port, path)))[1]


async def _open_sessions(connection: Connection, port: int, number: int) -> list[str]:
    return [await shake_hands(connection, port) for _ in range(number)]


async def _remember(connection: Connection, port: int, sessions: list[str]) -> None:
    """Let the SDK's application keep the sessions: it has no other way to tell all of them something."""
    request = call("handshake", "remember", {})
    for session in sessions:
        await connection.ask(request.with_header("mcp-session-id", session).to_http(port))


async def _prepare(subject: Subject, server: Server, streams: int, figures: Figures) -> list[bytes]:
    """Return the requests that open the streams, after the handshakes that they need, which are measured."""
    if not subject.sessions:
        return [listen().to_http(server.port)] * (FIRST + streams)
    gauge = Gauge(server)
    with closing(await connect(server.port)) as connection:
        await _open_sessions(connection, server.port, FIRST_SESSIONS)
        sessions = await _open_sessions(connection, server.port, FIRST)
        await gauge.start()
        sessions += await _open_sessions(connection, server.port, streams)
        kilobytes, tasks, cpu = await gauge.read(streams)
        if subject.app == SDK:
            await _remember(connection, server.port, sessions)
    figures.session_kb.add(repr(subject), kilobytes)
    figures.session_tasks.add(repr(subject), tasks)
    figures.session_cpu.add(repr(subject), cpu)
    return [session_stream(server.port, session) for session in sessions]


async def _open(subject: Subject, server: Server, streams: int, figures: Figures, audience: Audience) -> None:
    """Open the streams of a server, and measure what they hold."""
    name, requests = repr(subject), await _prepare(subject, server, streams, figures)
    firsts: list[float] = []
    while len(firsts) < ALONE and (not firsts or firsts[-1] < SLOW_SECONDS):
        firsts.append(await audience.first_byte(requests.pop()))
    figures.first_byte.add(name, median(firsts))
    await audience.open([requests.pop() for _ in range(len(requests) - streams)])
    gauge = Gauge(server)
    await asyncio.sleep(SETTLE_SECONDS)
    await gauge.start()
    await audience.open(requests)
    await asyncio.sleep(SETTLE_SECONDS)
    kilobytes, tasks, cpu = await gauge.read(streams)
    figures.stream_kb.add(name, kilobytes)
    figures.stream_tasks.add(name, tasks)
    figures.stream_cpu.add(name, cpu)


async def _tell(server: Server, audience: Audience) -> tuple[float, float, float]:
    """Tell all streams of a server one event; return its CPU seconds, and the seconds to half and to all of them."""
    before, published = server.cpu(), perf_counter()
    asked = asyncio.ensure_future(_ask(server.port, "/publish"))
    half, last = await audience.hear(published)
    await asked
    await asyncio.sleep(REST_SECONDS)
    return server.cpu() - before, half, last


async def _measure(fleet: Fleet, effort: Effort, figures: Figures) -> None:
    with ExitStack() as stack:
        audiences: dict[str, Audience] = {}
        for name, subject in _named().items():
            progress(f"streams: opening {effort.streams} of {_label(subject)}")
            server = fleet.servers[name]
            audiences[name] = stack.enter_context(closing(Audience(server.port)))
            await _open(subject, server, effort.streams, figures, audiences[name])
        for number in range(-1, effort.stream_rounds):  # the first one warms up
            progress(f"streams: event {number + 1} of {effort.stream_rounds}")
            for name, server in turns(fleet.servers, number):
                cpu, half, last = await _tell(server, audiences[name])
                if number >= 0:
                    figures.event_cpu.add(name, cpu / (effort.streams + FIRST))
                    figures.half.add(name, half)
                    figures.last.add(name, last)


def _named() -> dict[str, Subject]:
    return {repr(subject): subject for subject in SUBJECTS}


def _label(subject: Subject) -> str:
    return f"{subject.app} on {subject.server}, " + ("bare" if subject.app == BARE else STREAM_NAMES[subject.era])


def _allow_descriptors() -> None:
    """Let this process, and those that it starts, hold as many sockets as the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _sessions_table(figures: Figures, sessions: int) -> Table:
    rows = [
        (
            subject.server,
            subject.app,
            figures.session_kb.median(name),
            figures.session_tasks.median(name),
            figures.session_cpu.median(name) * 1000,
            figures.session_cpu.ratio(name, repr(subject.sdk)),
        )
        for name, subject in _named().items()
        if subject.sessions
    ]
    columns = ("server", "application", "KB per session", "tasks per session", "handshake, CPU ms", "x SDK, CPU")
    return Table(f"Streams: {sessions} idle sessions without a stream", columns, rows)


def _to_sdk(series: Series, subject: Subject) -> float | None:
    return None if subject.app == BARE else series.ratio(repr(subject), repr(subject.sdk))


def _streams_table(figures: Figures, streams: int) -> Table:
    rows = [
        (
            subject.server,
            subject.app,
            "" if subject.app == BARE else STREAM_NAMES[subject.era],
            figures.stream_kb.median(name),
            figures.stream_kb.ratio(name, repr(subject.bare)),
            _to_sdk(figures.stream_kb, subject),
            figures.stream_tasks.median(name),
            figures.stream_cpu.median(name) * 1000,
            figures.first_byte.median(name) * 1000,
        )
        for name, subject in _named().items()
    ]
    columns = ("server", "application", "stream", "KB", "x bare", "x SDK", "tasks", "open, CPU ms", "first byte ms")
    return Table(f"Streams: {streams} idle open streams, each", columns, rows)


def _events_table(figures: Figures, streams: int) -> Table:
    rows = [
        (
            subject.server,
            subject.app,
            "" if subject.app == BARE else STREAM_NAMES[subject.era],
            figures.event_cpu.median(name) * 1e6,
            figures.event_cpu.ratio(name, repr(subject.bare)),
            _to_sdk(figures.event_cpu, subject),
            figures.half.median(name) * 1000,
            figures.last.median(name) * 1000,
        )
        for name, subject in _named().items()
    ]
    columns = (
        "server",
        "application",
        "stream",
        "CPU µs per delivery",
        "x bare",
        "x SDK",
        "half have it, ms",
        "all, ms",
    )
    return Table(f"Streams: one event told to {streams + FIRST} streams", columns, rows)


def _judge(figures: Figures, marks: list[Mark]) -> None:
    memory, cpu = figures.stream_kb, figures.event_cpu
    for name, subject in _named().items():
        if subject.app != OURS:
            continue
        found = [
            Mark("memory of an idle stream, ours / SDK", memory.ratio(name, repr(subject.sdk)), STREAM_TO_SDK),
            Mark("CPU per delivery, ours / SDK", cpu.ratio(name, repr(subject.sdk)), STREAM_TO_SDK),
        ]
        if subject.server == "daphne":
            found.append(
                Mark("memory of an idle stream, ours / bare", memory.ratio(name, repr(subject.bare)), IDLE_STREAM)
            )
            found.append(Mark("CPU per delivery, ours / bare", cpu.ratio(name, repr(subject.bare)), FAN_OUT))
            found.append(Mark("KB per idle stream", memory.median(name), IDLE_STREAM_KB))
            found.append(Mark("first byte, ms", figures.first_byte.median(name) * 1000, FIRST_BYTE_MS))
        if subject.sessions:
            found.append(Mark("KB per idle session", figures.session_kb.median(name), IDLE_SESSION_KB))
            found.append(Mark("tasks per idle session", figures.session_tasks.median(name), IDLE_SESSION_TASKS))
        marks += [replace(mark, name=f"{_label(subject)}: {mark.name}") for mark in found]


def run(effort: Effort, marks: list[Mark], directory: Path) -> list[Table]:
    """Measure this part. Adds to ``marks``; the database that the environment names must hold our tables."""
    for_servers, for_load = cores()
    figures = Figures()
    _allow_descriptors()
    for number in range(effort.stream_starts):
        progress(f"streams: start {number + 1} of {effort.stream_starts}")
        with Fleet(Path(mkdtemp(dir=directory)), for_servers) as fleet:
            for name, subject in _named().items():
                variables = {"BENCHMARKS_SDK_JSON": str(int(subject.sessions))}
                fleet.start(name, SERVERS[subject.server], TARGETS[subject.app], variables)
            fleet.wait()
            pin(0, for_load)
            try:
                run_loop(_measure(fleet, effort, figures))
            finally:
                pin(0, for_servers | for_load)
    _judge(figures, marks)
    return [
        _sessions_table(figures, effort.streams),
        _streams_table(figures, effort.streams),
        _events_table(figures, effort.streams),
    ]
