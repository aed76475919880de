"""``manage.py change 7``: tell of a change, from a process that ends at once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from mcp_django import mcp


class Command(BaseCommand):
    help = "Tell the clients of all workers that a resource changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", type=int)

    def handle(self, *args: Any, number: int, **options: Any) -> None:
        mcp.notify_resource_updated(f"bench://{number}")
