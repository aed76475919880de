"""``manage.py clearmcpsessions``: delete the sessions of clients that have been silent for too long, and old events."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from mcp_django.models import Session
from mcp_django.sessions.log import expired_events
from mcp_django.sessions.store import end_sessions, expired_sessions


class Command(BaseCommand):
    """Run it now and then, as Django's ``clearsessions``."""

    help = "Delete the MCP sessions that have been idle for longer than SESSION_IDLE_SECONDS; with --all, every one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true", help="End every session: clients have to shake hands again.")

    def handle(self, *args: Any, **options: Any) -> None:
        found = Session.objects.all() if options["all"] else expired_sessions()
        ids = list(found.values_list("pk", flat=True))
        end_sessions(ids)
        expired_events().delete()
        if options["verbosity"]:
            self.stdout.write(self.style.SUCCESS(f"{len(ids)} session(s) deleted."))
