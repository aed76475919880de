"""``manage.py clearmcpactivity``: delete what was recorded of calls long ago. Run it now and then, as by cron."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from mcp_django.activity.retention import delete_activity
from mcp_django.conf import get_settings


def _days(given: str) -> float:
    try:
        days = float(given)
    except ValueError:
        days = 0
    if not isfinite(days) or days <= 0:
        raise ArgumentTypeError(f"must be a number of days above 0, not {given!r}")
    return days


class Command(BaseCommand):
    """Deletes old rows, some at a time: it may be stopped, and goes on where it was when it is run again."""

    help = "Delete the activity that is older than ACTIVITY_DAYS."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=_days, help="Keep the last so many days, instead of ACTIVITY_DAYS.")

    def handle(self, **options: Any) -> None:
        days = get_settings().ACTIVITY_DAYS if options["days"] is None else options["days"]
        total = 0
        for count in delete_activity(datetime.now(UTC), days):
            total += count
            if options["verbosity"] > 1:
                self.stdout.write(f"{total} call(s) deleted so far.")
        if options["verbosity"]:
            self.stdout.write(f"{total} call(s) deleted.")
