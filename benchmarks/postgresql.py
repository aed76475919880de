"""Tools that read one row of PostgreSQL through daphne, and how many connections they hold.

It makes a database of its own where ``PGHOST``, ``PGPORT`` and ``PGUSER`` say, and drops it afterwards.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.load import Loop, connect, run_loop
from benchmarks.marks import Mark
from benchmarks.measure import Effort, Series, Table, cores, pin, progress, turns
from benchmarks.processes import DAPHNE, Fleet, Server
from benchmarks.servers import BARE, OURS
from benchmarks.subjects.functions import ARGUMENTS, STRUCTURED
from benchmarks.wire import call, check_call

DATABASE = "mcp_django_benchmarks"
CONNECTIONS = (8, 32)
MANY = 64
"""Slow queries at once: more than there are threads."""

MODES: Mapping[str, Mapping[str, str]] = {
    "CONN_MAX_AGE=0": {"BENCHMARKS_CONN_MAX_AGE": "0"},
    "CONN_MAX_AGE=60": {"BENCHMARKS_CONN_MAX_AGE": "60"},
    "pool of 8": {"BENCHMARKS_POOL": "8"},
    "pool of 34": {"BENCHMARKS_POOL": "34"},
}
TOOLS = ("city_async", "city_sync")

PREPARE = """
import django; django.setup()
from django.core.management import call_command
from django.db import connection
from benchmarks.subjects.models import City
call_command("migrate", verbosity=0)
with connection.schema_editor() as editor:
    editor.create_model(City)
City._default_manager.create(pk=1, name="Ulm", country="DE", population=126_000)
"""


@contextmanager
def _database() -> Iterator[Any]:
    """Make the database, and give a connection that can count those of others."""
    import psycopg

    where = {"host": os.environ.get("PGHOST", "127.0.0.1"), "user": os.environ.get("PGUSER", "postgres")}
    with psycopg.connect(dbname="postgres", autocommit=True, **where) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {DATABASE}")
        try:
            environment = os.environ | {"BENCHMARKS_POSTGRESQL": DATABASE}
            subprocess.run([sys.executable, "-c", PREPARE], env=environment, check=True)
            yield admin
        finally:
            admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")


def run(effort: Effort, marks: list[Mark], directory: Path) -> list[Table]:
    """Measure this part. It has no marks: PostgreSQL's own CPU isn't the server's."""
    for_servers, for_load = cores()
    with _database() as admin, Fleet(directory, for_servers) as fleet:
        fleet.start("bare", DAPHNE, BARE, {})
        for name, variables in MODES.items():
            known = {"BENCHMARKS_POSTGRESQL": DATABASE, "BENCHMARKS_NAME": name}
            fleet.start(name, DAPHNE, OURS, {**known, **variables})
        fleet.wait()
        pin(0, for_load)
        try:
            return run_loop(_measure(fleet, admin, effort))
        finally:
            pin(0, for_servers | for_load)


async def _measure(fleet: Fleet, admin: Any, effort: Effort) -> list[Table]:
    rows: list[tuple[Any, ...]] = []
    held = [await _hold(fleet.servers[mode], admin, mode) for mode in MODES]  # first: afterwards all keep connections
    for connections in CONNECTIONS:
        series, rates = Series(), Series()
        targets = {("bare", "add"): 0} | {(mode, tool): 0 for mode in MODES for tool in TOOLS}
        named = {f"{mode}|{tool}": (mode, tool) for mode, tool in targets}
        for number in range(effort.load_rounds):
            progress(f"postgresql: {connections} connections, round {number + 1} of {effort.load_rounds}")
            for name, (mode, tool) in turns(named, number):
                cpu, rate = await _take_turn(fleet.servers[mode], tool, connections, effort.load_seconds, mode)
                series.add(name, cpu)
                rates.add(name, rate)
        for name, (mode, tool) in named.items():
            cpu, ratio = series.median(name) * 1000, series.ratio(name, "bare|add")
            rows.append((connections, mode, "" if mode == "bare" else tool, rates.median(name), cpu, ratio))
    columns = ("connections", "database", "tool", "calls/s", "CPU ms", "x bare")
    return [
        Table("PostgreSQL: a tool that reads one row, on daphne", columns, rows),
        Table(
            f"PostgreSQL: queries of 100 ms in sync tools, and the connections held by {MANY} at once",
            ("database", "8 at once, ms", f"{MANY} at once, ms", "connections at most", "connections afterwards"),
            held,
        ),
    ]


async def _take_turn(server: Server, tool: str, connections: int, seconds: float, mode: str) -> tuple[float, float]:
    data = call("modern", tool, ARGUMENTS[tool]).to_http(server.port)
    opened = [await connect(server.port) for _ in range(connections)]
    try:
        if mode != "bare":
            check_call((await opened[0].ask(data))[1], STRUCTURED[tool])
        await Loop(seconds / 10).run([(each, data) for each in opened])
        before = server.cpu()
        load = await Loop(seconds).run([(each, data) for each in opened])
        return (server.cpu() - before) / load.calls, load.calls / load.seconds
    finally:
        for each in opened:
            each.close()


async def _hold(server: Server, admin: Any, mode: str) -> tuple[Any, ...]:
    progress(f"postgresql: slow queries, {mode}")
    few = median([await _ask_at_once(server, 8) for _ in range(5)])
    asked = asyncio.ensure_future(_ask_at_once(server, MANY))
    most = 0
    while not asked.done():
        most = max(most, _count(admin, mode))
        await asyncio.sleep(0.01)
    return mode, few * 1000, (await asked) * 1000, most, _count(admin, mode)


async def _ask_at_once(server: Server, calls: int) -> float:
    data = call("modern", "slow", ARGUMENTS["slow"]).to_http(server.port)
    opened = [await connect(server.port) for _ in range(calls)]
    begun = perf_counter()
    try:
        for _, body in await asyncio.gather(*(each.ask(data) for each in opened)):
            check_call(body, STRUCTURED["slow"])
        return perf_counter() - begun
    finally:
        for each in opened:
            each.close()


def _count(admin: Any, mode: str) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND application_name = %s"
    return int(admin.execute(query, [DATABASE, mode]).fetchone()[0])
