"""``manage.py mcp_prune_clients``: delete the clients that registered themselves and that nobody uses."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """Run it now and then, after ``cleartokens``."""

    help = "Delete the OAuth clients that registered themselves and hold no token."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=30, help="Keep those that registered since. Default: 30.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not apps.is_installed("oauth2_provider"):
            raise CommandError("There is nothing to delete: 'oauth2_provider' is not in INSTALLED_APPS.")
        from mcp_django.oauth.unused import unused_clients  # needs the toolkit's models

        _rows, deleted = unused_clients(timedelta(days=options["days"])).delete()
        count = sum(number for label, number in deleted.items() if label.endswith("Application"))
        if options["verbosity"]:
            self.stdout.write(self.style.SUCCESS(f"{count} client(s) deleted."))
