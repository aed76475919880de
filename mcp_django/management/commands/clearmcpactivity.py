"""``manage.py clearmcpactivity``: delete what was recorded of calls long ago. Run it now and then, as by cron."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from mcp_django.activity.retention import delete_activity
from mcp_django.conf import get_settings


class Command(BaseCommand):
    """Deletes old rows."""

    help = "Delete the activity that is older than ACTIVITY_DAYS."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=float, help="keep the last so many days, instead of ACTIVITY_DAYS")

    def handle(self, **options: Any) -> None:
        days = get_settings().ACTIVITY_DAYS if options["days"] is None else options["days"]
        self.stdout.write(f"{delete_activity(timezone.now(), days)} call(s) deleted.")
