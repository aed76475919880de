"""stdio: from the start of the process to its first answer, and round trips on a warm one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import mkstemp
from threading import Timer
from time import perf_counter
from types import TracebackType
from typing import Any, Self

from benchmarks.marks import STDIO_START, STDIO_TRIPS, Mark
from benchmarks.measure import Effort, Series, Table, cores, cpu_of, memory_of, pin, progress, turns
from benchmarks.processes import Failed, environment
from benchmarks.wire import ERAS, Era, call, check_call, initialize, initialized, make_request, result_of

OURS, SDK, SDK_DJANGO = "ours: manage.py runmcp --stdio", "SDK: MCPServer.run()", "SDK: django.setup(), MCPServer.run()"

COMMANDS: Mapping[str, tuple[str, ...]] = {
    SDK: ("-m", "benchmarks.subjects.sdk"),
    SDK_DJANGO: ("-m", "benchmarks.subjects.sdk", "--django"),
    OURS: ("-m", "django", "runmcp", "--stdio"),
}

TURN_SECONDS = 60
"""A turn that takes longer has failed."""


class Client:
    """One server process and its pipes; it is stopped at the end of the ``with`` block."""

    def __init__(self, arguments: tuple[str, ...], directory: Path, to: set[int]) -> None:
        handle, name = mkstemp(suffix=".log", dir=directory)
        self._log = Path(name)
        with open(handle, "wb") as file:
            self._process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=directory,
                env=environment(DJANGO_SETTINGS_MODULE="benchmarks.subjects.settings"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
            )
        pin(self._process.pid, to)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._in.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._out.close()

    @property
    def cpu(self) -> float:
        """CPU seconds so far."""
        return cpu_of(self._process.pid)

    @property
    def memory(self) -> float:
        """Resident memory in MB."""
        return memory_of(self._process.pid)

    def tell(self, line: bytes) -> None:
        """Send a message."""
        self._in.write(line + b"\n")
        self._in.flush()

    def ask(self, line: bytes) -> bytes:
        """Send a request and return its answer. Raises ``Failed`` when there is none."""
        self.tell(line)
        answer = self._out.readline()
        if not answer:
            raise Failed(f"The server ended, or was too slow:\n{self._log.read_text()[-4000:]}")
        return answer

    def watchdog(self) -> Timer:
        """Return a timer, begun, that ends a server which is stuck."""
        timer = Timer(TURN_SECONDS, self._process.kill)
        timer.daemon = True
        timer.start()
        return timer

    def greet(self, era: Era) -> None:
        """Send what comes before the first call, and read the first answer."""
        if era == "modern":
            result_of(self.ask(make_request("modern", "server/discover").body))
            return
        result_of(self.ask(initialize().body))
        self.tell(initialized().body)


def _starts(effort: Effort, marks: list[Mark], directory: Path, to: set[int]) -> Table:
    cpu, wall, memory = Series(), Series(), Series()
    for number in range(-1, effort.starts):  # the first one warms the disk's cache
        progress(f"stdio: start {number + 1} of {effort.starts}")
        for name, arguments in turns(COMMANDS, number):
            begun = perf_counter()
            with Client(arguments, directory, to) as client:
                timer = client.watchdog()
                client.greet("handshake")
                timer.cancel()
                if number >= 0:
                    wall.add(name, perf_counter() - begun)
                    cpu.add(name, client.cpu)
                    memory.add(name, client.memory)
    marks.append(Mark("stdio, CPU of the start: ours / SDK with Django", cpu.ratio(OURS, SDK_DJANGO), STDIO_START))
    rows = [
        (
            name,
            cpu.median(name) * 1000,
            wall.median(name) * 1000,
            cpu.ratio(name, SDK),
            cpu.ratio(name, SDK_DJANGO),
            memory.median(name),
        )
        for name in COMMANDS
    ]
    columns = ("server", "CPU ms", "wall ms", "x SDK, CPU", "x SDK with Django, CPU", "RSS MB")
    return Table("stdio: from the start of the process to the answer to `initialize`", columns, rows)


def _take_turn(client: Client, line: bytes, trips: int) -> tuple[float, float]:
    """Return CPU and wall seconds of a round trip."""
    timer = client.watchdog()
    cpu_before, begun = client.cpu, perf_counter()
    for _ in range(trips):
        client.ask(line)
    wall, cpu = perf_counter() - begun, client.cpu - cpu_before
    timer.cancel()
    return cpu / trips, wall / trips


def _trips(effort: Effort, marks: list[Mark], directory: Path, to: set[int], era: Era) -> list[tuple[Any, ...]]:
    line = call(era, "add", {"a": 2, "b": 3}).body
    cpu, wall = Series(), Series()
    with ExitStack() as stack:
        clients = {name: stack.enter_context(Client(arguments, directory, to)) for name, arguments in COMMANDS.items()}
        for client in clients.values():
            client.greet(era)
            check_call(client.ask(line), {"result": 5})
        for number in range(-1, effort.load_rounds):  # the first one warms up
            progress(f"stdio: {era}, round {number + 1} of {effort.load_rounds}")
            for name, client in turns(clients, number):
                cpu_seconds, wall_seconds = _take_turn(client, line, effort.trips)
                if number >= 0:
                    cpu.add(name, cpu_seconds)
                    wall.add(name, wall_seconds)
    label = f"stdio, round trips, {era}: ours / SDK"
    marks.append(Mark(label, wall.ratio(SDK, OURS), STDIO_TRIPS, at_least=True))
    return [
        (era, name, 1 / wall.median(name), wall.ratio(SDK, name), cpu.median(name) * 1e6, cpu.ratio(name, SDK))
        for name in clients
    ]


def run(effort: Effort, marks: list[Mark], directory: Path) -> list[Table]:
    """Measure this part. Adds to ``marks``."""
    for_servers, for_load = cores()
    pin(0, for_load)
    try:
        starts = _starts(effort, marks, directory, for_servers)
        rows = [row for era in ERAS for row in _trips(effort, marks, directory, for_servers, era)]
    finally:
        pin(0, for_servers | for_load)
    columns = ("era", "server", "round trips/s", "x SDK", "CPU µs", "x SDK, CPU")
    return [starts, Table("stdio: round trips of `tools/call`, one after the other", columns, rows)]
