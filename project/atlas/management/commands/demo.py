from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.utils.crypto import get_random_string

from mcp_django.management.commands.runmcp import endpoint_url

if TYPE_CHECKING:
    from django.core.management.base import CommandParser

USERNAME = "ada"


class Command(BaseCommand):
    help = (
        "Runs the demo in one step: makes the tables, loads countries and cities (less than a minute, the first time "
        "only), makes a user to sign in as, and serves MCP and the admin over HTTP until interrupted. Writes to stderr "
        "only."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="Address to listen at (default: %(default)s).")
        parser.add_argument("--port", type=int, default=8000, help="Port to listen at (default: %(default)s).")
        parser.add_argument("--no-serve", action="store_true", help="Prepare the database, then stop.")

    def handle(self, *, host: str, port: int, no_serve: bool, verbosity: int, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=verbosity, stdout=sys.stderr)
        call_command("loadatlas", verbosity=verbosity)
        if settings.DEBUG:  # elsewhere nobody should get in whose password stands in a log
            self._show_account(endpoint_url(host, port, "admin/"))
        if not no_serve:
            call_command("runmcp", host=host, port=port)

    def _show_account(self, admin: str) -> None:
        """Say who can sign in. Makes a superuser, with a password that nobody else knows, when there is no user yet."""
        where = f"at {admin} or where your client sends you"
        if not User.objects.exists():
            password = get_random_string(16)
            User.objects.create_superuser(USERNAME, password=password)
            self._say(f"Sign in {where}, as {USERNAME} with the password {password} (shown this once).")
        elif User.objects.filter(username=USERNAME).exists():
            self._say(f"Sign in {where}, as {USERNAME}. To set a new password: manage.py changepassword {USERNAME}")

    def _say(self, text: str) -> None:
        self.stderr.write(text, style_func=self.style.SUCCESS)
