"""``manage.py prepare``: make the tables and the users that the tests name."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Makes the tables and the users that the tests name."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", run_syncdb=True, interactive=False, verbosity=0)
        User.objects.create(username="ada")
        User.objects.create(username="retired", is_active=False)
