"""``manage.py mcp_service_account``: let a program sign in as itself, on behalf of a user."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from mcp_django.auth.resources import mcp_scopes
from mcp_django.conf import get_settings
from mcp_django.registry import discover


class Command(BaseCommand):
    """Makes an OAuth client with a secret (RFC 6749 §4.4) and says the secret once."""

    help = "Make an OAuth client that signs in as itself, on behalf of a user. Its secret is shown once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="What to call the client.")
        parser.add_argument("--user", required=True, help="Username of the user for whom it acts.")
        parser.add_argument("--scope", action="append", help="What it may ask for; may be repeated. Default: baseline.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not apps.is_installed("oauth2_provider"):
            raise CommandError("Add 'oauth2_provider' to INSTALLED_APPS first.")
        from mcp_django.oauth.accounts import make_account  # needs the toolkit's models

        model = get_user_model()
        user = model._default_manager.filter(**{model.USERNAME_FIELD: options["user"]}).first()
        if user is None or not user.is_active:
            raise CommandError(f"There is no active user {options['user']!r}.")
        discover()
        scopes = options["scope"] or list(get_settings().OAUTH.BASELINE_SCOPES)
        unknown = sorted(set(scopes) - set(mcp_scopes()))
        if unknown:
            raise CommandError(f"No server knows the scope {unknown[0]!r}. There are: {', '.join(mcp_scopes())}.")
        application, secret = make_account(options["name"], user, scopes)
        self.stdout.write(f"client_id: {application.client_id}\nclient_secret: {secret}")
        self.stderr.write("The secret is not shown again.")
