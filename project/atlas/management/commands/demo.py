from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(BaseCommand):
    help = (
        "Runs the demo in one step: makes the tables, loads countries and cities (less than a minute, the first time "
        "only) and serves MCP and the admin over HTTP until interrupted. Writes to stderr only."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="Address to listen at (default: %(default)s).")
        parser.add_argument("--port", type=int, default=8000, help="Port to listen at (default: %(default)s).")
        parser.add_argument("--no-serve", action="store_true", help="Prepare the database, then stop.")

    def handle(self, *, host: str, port: int, no_serve: bool, verbosity: int, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=verbosity, stdout=sys.stderr)
        call_command("loadatlas", verbosity=verbosity)
        if not no_serve:
            call_command("runmcp", host=host, port=port)
