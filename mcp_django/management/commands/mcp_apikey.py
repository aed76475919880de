"""``manage.py mcp_apikey``: keys for agents that can't sign in as people do."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q
from django.utils import timezone

from mcp_django.auth.keys import create_key, revoke_key
from mcp_django.models import APIKey
from mcp_django.registry import discover


class Command(BaseCommand):
    """Four verbs, as ``manage.py mcp_apikey create --user ada "Nightly report"``."""

    help = "Make, list, revoke and prune API keys for MCP clients."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, parser_class=type(parser))
        create = verbs.add_parser("create", help="Make a key, and write it to stdout: it can't be shown again.")
        create.add_argument("name", help="What it is for.")
        create.add_argument("--user", metavar="NAME", required=True, help="Whose permissions its calls have.")
        create.add_argument("--scope", action="append", default=[], dest="scopes", help="May be given several times.")
        create.add_argument("--days", type=int, default=90, help="How long it lives. 0: for ever. Default: 90.")
        verbs.add_parser("list", help="List the keys, by what can be shown of them.")
        revoke = verbs.add_parser("revoke", help="Revoke a key: its next call is refused.")
        revoke.add_argument("id", type=int, help="Its number, as list shows it.")
        prune = verbs.add_parser("prune", help="Delete keys that were revoked or expired some time ago.")
        prune.add_argument("--days", type=int, default=30, help="So many days ago, or more. Default: 30.")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options['verb']}")(options)

    def _create(self, options: dict[str, Any]) -> None:
        users = get_user_model()
        try:
            user = users._default_manager.get_by_natural_key(options["user"])
        except users.DoesNotExist:
            raise CommandError(f"There is no user {options['user']!r}.") from None
        _check_days(options)
        discover()
        try:
            key = create_key(options["name"], user, options["scopes"], timedelta(days=options["days"]) or None)
        except ValueError as error:
            raise CommandError(str(error)) from None
        self.stderr.write("This key is shown once. Keep it where the agent finds it, and nobody else.")
        self.stdout.write(key)

    def _list(self, options: dict[str, Any]) -> None:
        for key in APIKey.objects.select_related("user").order_by("pk"):
            state = "revoked" if key.revoked_at else "usable" if key.usable else "expired"
            used = f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never"
            scopes = " ".join(key.scopes) or "-"
            self.stdout.write(f"{key.pk}\t{key}\t{key.user}\t{scopes}\t{state}\tlast used: {used}")

    def _revoke(self, options: dict[str, Any]) -> None:
        key = APIKey.objects.filter(pk=options["id"]).first()
        if key is None:
            raise CommandError(f"There is no API key {options['id']}.")
        revoke_key(key)
        self.stdout.write(self.style.SUCCESS(f"{key} is revoked."))

    def _prune(self, options: dict[str, Any]) -> None:
        _check_days(options)
        limit = timezone.now() - timedelta(days=options["days"])
        count, _ = APIKey.objects.filter(Q(revoked_at__lte=limit) | Q(expires_at__lte=limit)).delete()
        self.stdout.write(self.style.SUCCESS(f"{count} API key(s) deleted."))


def _check_days(options: dict[str, Any]) -> None:
    if options["days"] < 0:
        raise CommandError("--days must not be negative.")
