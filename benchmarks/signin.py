"""CPU of signing in: one call by nobody, with an access token, with an API key, and of a tool that asks for more.

It runs in a process of its own, whose project has django-oauth-toolkit and 20,000 tokens in SQLite.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.inprocess import Subject, take_turns
from benchmarks.marks import SIGN_IN, Mark
from benchmarks.measure import Effort, Series, Table
from benchmarks.wire import ERAS, call, check_call

TOKENS = 20_000
BASE = "http://127.0.0.1:8000"

NOBODY, TOKEN, KEY, PERMISSION = "nobody", "access token", "API key", "access token, and a permission"
ORM = "the ORM's afirst()"
"""What the check would cost without SQL that is compiled once: a yardstick for a machine that does other work too."""


class Query:
    """Finding the token's row, its user and its client with the ORM. Measured as a ``Subject`` is."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def load(self) -> None:
        from oauth2_provider.models import AccessToken

        from mcp_django.auth.keys import checksum
        from mcp_django.lanes import on_own_thread

        rows = AccessToken.objects.select_related("user", "application")
        await on_own_thread(lambda: rows.filter(token_checksum=checksum(self._token)).first())


def run(effort: Effort, marks: list[Mark], directory: Path) -> list[Table]:
    """Measure this part, in a process of its own. Adds to ``marks``."""
    environment = os.environ | {"BENCHMARKS_SIGN_IN": "1", "BENCHMARKS_DATABASE": str(directory / "sign_in.sqlite3")}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.signin", json.dumps(asdict(effort))],
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
    )
    rows = []
    for era, values in json.loads(done.stdout).items():
        series = Series(values)
        for name in (NOBODY, TOKEN, KEY, PERMISSION, ORM):
            added = None if name == ORM else _added(series, name) * 1e6
            rows.append((era, name, series.median(name) * 1e6, added, series.ratio(name, NOBODY)))
        share = _added(series, TOKEN) / series.median(ORM)
        marks.append(Mark(f"sign-in, {era}: an access token / the ORM's afirst()", share, SIGN_IN))
    columns = ("era", "who calls", "CPU µs", "of it for signing in", "x nobody")
    return [Table(f"In process: `tools/call` of `async add`, {TOKENS:,} tokens in SQLite", columns, rows)]


def _added(series: Series, name: str) -> float:
    return series.median(name) - series.median(NOBODY)


async def _measure(effort: Effort, token: str, key: str) -> dict[str, dict[str, list[float]]]:
    from benchmarks.subjects.functions import ARGUMENTS, STRUCTURED, add
    from mcp_django import MCPServer
    from mcp_django.asgi import get_mcp_application

    server = MCPServer("signin", version="1.0")
    server.add_tool(add, name="add", public=True)
    guarded = MCPServer("guarded", version="1.0")
    guarded.add_tool(add, name="add", permissions="auth.view_user")
    application = get_mcp_application()
    found = {}
    for era in ERAS:
        request = call(era, "add", ARGUMENTS["add"])
        bearing = request.with_header("authorization", f"Bearer {token}")
        subjects = {
            NOBODY: Subject(application, request, "/mcp/signin"),
            TOKEN: Subject(application, bearing, "/mcp/signin"),
            KEY: Subject(application, request.with_header("authorization", f"Bearer {key}"), "/mcp/signin"),
            PERMISSION: Subject(application, bearing, "/mcp/guarded"),
        }
        for subject in subjects.values():
            check_call((await subject.post())[1], STRUCTURED["add"])
        measured: dict[str, Any] = subjects | {ORM: Query(token)}
        found[era] = (await take_turns(measured, effort)).values
    return found


def token_of(number: int) -> str:
    """Return one of the tokens, by its number below ``TOKENS``."""
    return f"token-{number}"


def prepare() -> tuple[str, str]:
    """Make the database that the environment names, and return a token and an API key in it."""
    import django

    django.setup()
    from datetime import timedelta

    from django.contrib.auth.models import Permission, User
    from django.core.management import call_command
    from django.utils import timezone
    from oauth2_provider.models import AccessToken, Application

    from mcp_django.auth import create_key
    from mcp_django.auth.keys import checksum

    call_command("migrate", verbosity=0)
    user = User.objects.create(username="ada")
    user.user_permissions.add(Permission.objects.get(codename="view_user"))
    client = Application.objects.create(client_id="bench", authorization_grant_type="authorization-code")
    common: dict[str, Any] = {
        "user": user,
        "application": client,
        "expires": timezone.now() + timedelta(days=1),
        "scope": "mcp",
        "resource": [f"{BASE}/mcp{path}" for path in ("", "/signin", "/guarded", "/limited")],
    }
    names = [token_of(number) for number in range(TOKENS)]
    rows = [AccessToken(token=name, token_checksum=checksum(name), **common) for name in names]
    AccessToken.objects.bulk_create(rows, batch_size=500)
    return names[TOKENS // 2], create_key("bench", user)


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.subjects.settings"
    json.dump(asyncio.run(_measure(Effort(**json.loads(sys.argv[1])), *prepare())), sys.stdout)
