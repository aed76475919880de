"""CPU of a call with everything on: a token that is looked up, a counted call, a recorded one.

What each of the three adds is measured as well, in process and through daphne, beside the same call without any.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.activity import _Unrecorded as Unrecorded
from benchmarks.inprocess import Subject, take_turns
from benchmarks.load import Loop, connect, run_loop
from benchmarks.marks import GUARDED, Mark
from benchmarks.measure import Effort, Series, Table, cores, pin, progress, turns
from benchmarks.processes import DAPHNE, Fleet, Server
from benchmarks.servers import OURS
from benchmarks.signin import TOKENS, prepare, token_of
from benchmarks.subjects.functions import ARGUMENTS, STRUCTURED
from benchmarks.wire import ERAS, Era, Request, call, check_call

CONNECTIONS = 8
PORT = 8000
"""What ``Host`` says, whatever the port: a token names the URL of its server."""

MEASURE = "import django; django.setup(); from benchmarks.guarded import main; main()"


@dataclass(frozen=True, slots=True)
class Guard:
    """What is on."""

    token: bool = False
    throttle: bool = False
    activity: bool = False

    @property
    def path(self) -> str:
        return "/mcp/limited" if self.throttle else "/mcp" if self.token else "/mcp/public"

    @property
    def server(self) -> str:
        """The process that serves it."""
        return "recorded" if self.activity else "signed" if self.token else "open"


OFF = "all off"
ALL = "all three"
GUARDS: Mapping[str, Guard] = {
    OFF: Guard(),
    "access token": Guard(token=True),
    "throttle": Guard(throttle=True),
    "activity": Guard(activity=True),
    ALL: Guard(token=True, throttle=True, activity=True),
}
JUDGED = {name: GUARDS[name] for name in (OFF, ALL)}
"""Those whose ratio has a mark: measured after each start."""

PROCESSES: Mapping[str, Mapping[str, str]] = {
    "open": {},
    "signed": {"BENCHMARKS_SIGN_IN": "1"},
    "recorded": {"BENCHMARKS_SIGN_IN": "1", "BENCHMARKS_ACTIVITY": "buffered"},
}


def run(effort: Effort, marks: list[Mark], directory: Path) -> list[Table]:
    """Measure this part, in processes of its own. Adds to ``marks``."""
    database = {"BENCHMARKS_DATABASE": str(directory / "guarded.sqlite3")}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, json.dumps(asdict(effort))],
        env=os.environ | database | PROCESSES["recorded"],
        check=True,
        stdout=subprocess.PIPE,
    )
    found = json.loads(done.stdout)
    tables = [_table("In process", {era: Series(values) for era, values in found.items()})]
    for_servers, for_load = cores()
    measured = {era: Series() for era in ERAS}
    for start in range(effort.load_starts):
        with Fleet(directory, for_servers) as fleet:
            for name, variables in PROCESSES.items():
                fleet.start(name, DAPHNE, OURS, {**database, **variables})
            fleet.wait()
            pin(0, for_load)
            try:
                run_loop(_load(fleet, effort, GUARDS if start == 0 else JUDGED, measured))
            finally:
                pin(0, for_servers | for_load)
    where = f"daphne, {CONNECTIONS} connections"
    marks += [
        Mark(f"{where}, tools/call, {era}: {ALL} / {OFF}", series.ratio(ALL, OFF), GUARDED)
        for era, series in measured.items()
    ]
    return [*tables, _table(where, measured)]


def _table(where: str, measured: Mapping[str, Series]) -> Table:
    rows = [
        (era, name, series.median(name) * 1e6, series.ratio(name, OFF))
        for era, series in measured.items()
        for name in GUARDS
    ]
    return Table(f"{where}: `tools/call` of `async add`, by what is on", ("era", "on", "CPU µs", f"x {OFF}"), rows)


async def _load(fleet: Fleet, effort: Effort, guards: Mapping[str, Guard], measured: Mapping[Era, Series]) -> None:
    """Load the servers of the guards, and add to what has been measured."""
    for era, series in measured.items():
        requests = _requests(era)
        for number in range(effort.load_rounds):
            progress(f"guarded: daphne, {era}, round {number + 1} of {effort.load_rounds}")
            for name, guard in turns(guards, number):
                data = [each.to_http(PORT, guard.path) for each in requests[guard.token]]
                series.add(name, await _take_turn(fleet.servers[guard.server], data, effort.load_seconds))


def _requests(era: Era) -> Mapping[bool, list[Request]]:
    """Return what each connection sends, by whether it signs in: each has a token of its own."""
    request = call(era, "add", ARGUMENTS["add"])
    tokens = [token_of(number * TOKENS // CONNECTIONS) for number in range(CONNECTIONS)]
    bearing = [request.with_header("authorization", f"Bearer {token}") for token in tokens]
    return {False: [request] * CONNECTIONS, True: bearing}


async def _take_turn(server: Server, data: list[bytes], seconds: float) -> float:
    """Load one server; return its CPU seconds for each call.

    Args:
        data: the request of each connection.
    """
    opened = [await connect(server.port) for _ in data]
    try:
        check_call((await opened[0].ask(data[0]))[1], STRUCTURED["add"])
        ready = list(zip(opened, data, strict=True))
        await Loop(seconds / 10).run(ready)
        before = server.cpu()
        load = await Loop(seconds).run(ready)
        return (server.cpu() - before) / load.calls
    finally:
        for each in opened:
            each.close()


async def _measure(effort: Effort, token: str) -> dict[str, dict[str, list[float]]]:
    from mcp_django.asgi import get_mcp_application

    application = get_mcp_application()
    found = {}
    for era in ERAS:
        progress(f"guarded: in process, {era}")
        request = call(era, "add", ARGUMENTS["add"])
        bearing = request.with_header("authorization", f"Bearer {token}")
        subjects: dict[str, Any] = {}
        for name, guard in GUARDS.items():
            served = application if guard.activity else Unrecorded(application)
            subjects[name] = Subject(served, bearing if guard.token else request, guard.path)
            check_call((await subjects[name].post())[1], STRUCTURED["add"])
        found[era] = (await take_turns(subjects, effort)).values
    return found


def main() -> None:
    """Measure in process, over a database of its own; write what was found to stdout."""
    token, _ = prepare()
    json.dump(asyncio.run(_measure(Effort(**json.loads(sys.argv[1])), token)), sys.stdout)
