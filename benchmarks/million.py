"""The dashboard over a million calls of a week: ``python -m benchmarks.million [--rows N] [--database URL]``.

It fills a database of its own, which is deleted afterwards: SQLite in a file, or the PostgreSQL of a URL. Then it
opens each page several times, as the admin does, and tells the median of the wall time and the number of queries.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from urllib.parse import urlencode

from benchmarks.measure import Table, progress

ROUNDS = 7
CALLS = "/admin/mcp_django/call/"
BOARD = "/admin/mcp_django/dashboard/"


def fill(rows: int) -> None:
    """Write calls of 20 components, 6 clients and 40 users, evenly over the last week."""
    from django.utils import timezone

    from mcp_django.activity.rows import Record, write

    dice = random.Random(1)
    now, week = timezone.now().timestamp(), timedelta(days=7).total_seconds()
    for begin in range(0, rows, 20_000):
        batch = []
        for number in range(begin, min(rows, begin + 20_000)):
            ended = now - week + week * number / rows
            outcome = dice.choices(("ok", "tool_error", "refused", "cancelled", "failed"), (950, 25, 15, 6, 4))[0]
            batch.append(
                Record(
                    ended,
                    dice.lognormvariate(3, 1),
                    "",
                    "tools/call",
                    "tool",
                    f"tool_{dice.randrange(20)}",
                    dice.randrange(1, 41),
                    "token",
                    f"client-{dice.randrange(6)}",
                    "Client",
                    "1.0",
                    "2026-07-28",
                    "streamable-http",
                    outcome,
                    "" if outcome in ("ok", "cancelled") else "Reason",
                    str(number),
                )
            )
        write(batch)
        progress(f"{begin + len(batch)} rows")


def pages() -> dict[str, str]:
    """Return what is opened."""
    from django.utils import timezone

    hour = (timezone.now() - timedelta(hours=1)).isoformat()
    old = (timezone.now() - timedelta(days=5)).isoformat()
    return {
        "dashboard, hour": BOARD,
        "dashboard, day": f"{BOARD}?span=day",
        "dashboard, week": f"{BOARD}?span=week",
        "calls": CALLS,
        "calls, page 50": f"{CALLS}?p=50",
        "calls, a tool in the last hour": f"{CALLS}?{urlencode({'component__exact': 'tool_3', 'ended__gte': hour})}",
        "calls, failed in a week": f"{CALLS}?outcome__exact=failed",
        "calls, older than 5 days": f"{CALLS}?{urlencode({'ended__lt': old})}",
        "calls, found by a user's name": f"{CALLS}?q=user-7",
        "calls, nothing found": f"{CALLS}?q=nothing",
    }


def measure() -> Table:
    """Open each page several times."""
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from mcp_django.activity.summaries import summarise

    User.objects.bulk_create(User(pk=number, username=f"user-{number}") for number in range(1, 41))
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(User.objects.create(pk=41, username="boss", is_staff=True, is_superuser=True))
    begun = perf_counter()
    summarise(timezone.now())
    rows: list[tuple[Any, ...]] = [("summing up all of it, once", (perf_counter() - begun) * 1000, None)]
    for name, address in pages().items():
        times = []
        for _ in range(ROUNDS):
            begun = perf_counter()
            answer = client.get(address)
            times.append((perf_counter() - begun) * 1000)
            assert answer.status_code == 200, (address, answer.status_code)
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        rows.append((name, median(times), len(queries)))
    return Table(f"The dashboard on {connection.vendor}", ("page", "ms", "queries"), rows)


@contextmanager
def database(url: str) -> Iterator[str]:
    """Make a database, and delete it afterwards."""
    if url:
        import psycopg

        name = f"mcp_million_{os.getpid()}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
            try:
                yield url.rpartition("/")[0] + f"/{name}"
            finally:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    else:
        with TemporaryDirectory() as directory:
            yield f"sqlite:///{Path(directory) / 'million.sqlite3'}"


def main(arguments: list[str]) -> None:
    """Fill, measure, show."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.million", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--database", default="", metavar="URL", help="a PostgreSQL server; without: SQLite in a file")
    options = parser.parse_args(arguments)
    with database(options.database) as url:
        os.environ |= {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "project.settings", "DJANGO_DEBUG": "1"}
        import django

        django.setup()
        from django.conf import settings
        from django.core.management import call_command
        from django.db import connection

        settings.DEBUG = False
        call_command("migrate", verbosity=0)
        fill(options.rows)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("VACUUM ANALYZE mcp_django_call")
        sys.stdout.write(measure().text() + "\n")
        connection.close()


if __name__ == "__main__":
    main(sys.argv[1:])
