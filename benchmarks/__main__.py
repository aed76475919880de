"""The command line: choose parts, measure, show tables, judge by the marks."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.marks import Mark
from benchmarks.measure import FULL, QUICK, Table, progress

DISTRIBUTIONS = (
    "django",
    "channels",
    "daphne",
    "twisted",
    "uvicorn",
    "uvloop",
    "httptools",
    "mcp",
    "mcp-types",
    "pydantic",
    "pydantic-core",
    "starlette",
)

PARTS: Mapping[str, str] = {
    "activity": "what it costs a call to be recorded",
    "guarded": "a call with a token, a throttle and activity, beside the same without",
    "inprocess": "CPU of single calls, without a server",
    "peers": "other servers, in environments that are made for it",
    "postgresql": "tools that read a row of PostgreSQL, with and without a pool",
    "servers": "calls per second and CPU through daphne and uvicorn",
    "signin": "what tokens, API keys and permissions add to a call",
    "startup": "what the app adds to a management command",
    "stdio": "start and round trips over stdio",
    "streams": "idle sessions, idle streams, and events told to all of them",
}
"""What each module measures, in a few words: its ``run`` takes effort, marks and directory, and returns tables."""

OPTIONAL = ("peers", "postgresql")
"""Measured only when they are named: they need more than this repository."""

MAX_STREAMS = 1000
"""The SDK's server allows 1,024, and some are opened beside those that are counted."""


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure what a call costs: ours, the SDK's and a bare application's, as ratios within this run. "
        "Progress goes to stderr, tables to stdout. The exit status is 1 when a mark is missed.",
    )
    parts = ", ".join(f"{name} ({what})" for name, what in PARTS.items())
    rest = f"; without it, all but {' and '.join(OPTIONAL)}"
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help=f"measure these parts: {parts}{rest}")
    parser.add_argument("--quick", action="store_true", help="few rounds: for a first look, too noisy to quote")
    parser.add_argument("--streams", type=int, metavar="N", help=f"open streams of each server, {MAX_STREAMS} at most")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file as well")
    return parser.parse_args(arguments)


def about() -> dict[str, Any]:
    """Return when, where and with what this runs."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "load": " ".join(f"{value:.2f}" for value in os.getloadavg()) if hasattr(os, "getloadavg") else "",
        "versions": {name: _version(name) for name in DISTRIBUTIONS},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def prepare_django(directory: Path) -> None:
    """Set Django up, in this process and by environment in those that it starts, over a database with one city."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.subjects.settings"
    os.environ["BENCHMARKS_DATABASE"] = str(directory / "db.sqlite3")
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from benchmarks.subjects.models import City

    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        editor.create_model(City)
    City._default_manager.create(pk=1, name="Ulm", country="DE", population=126_000)
    connection.close()


def show(tables: list[Table], marks: list[Mark], facts: Mapping[str, Any]) -> None:
    """Write what was found to stdout."""
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    lines = [f"{facts['date']}, {facts['machine']}, Python {facts['python']}, load {facts['load']}", versions, ""]
    lines += [table.text() for table in tables]
    lines += ["### Marks", "", *(mark.line() for mark in marks)] if marks else []
    sys.stdout.write("\n".join([*lines, ""]))


def main(arguments: list[str]) -> int:
    """Measure; return the exit status."""
    options = parse(arguments)
    effort = QUICK if options.quick else FULL
    if options.streams is not None:
        effort = replace(effort, streams=max(1, min(options.streams, MAX_STREAMS)))
    marks: list[Mark] = []
    tables: list[Table] = []
    facts = about()
    with TemporaryDirectory(prefix="benchmarks-") as name:
        directory = Path(name)
        prepare_django(directory)
        try:
            for part in options.only or [name for name in PARTS if name not in OPTIONAL]:
                progress(f"{part}: {PARTS[part]}")
                tables += import_module(f"benchmarks.{part}").run(effort, marks, directory)
        finally:  # what was found before a part broke off
            show(tables, marks, facts)
    if options.json is not None:
        data = facts | {"quick": options.quick, "tables": [table.data() for table in tables]}
        data["marks"] = [{"name": m.name, "value": m.value, "limit": m.limit, "passed": m.passed} for m in marks]
        options.json.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    return 0 if all(mark.passed for mark in marks) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
