#!/usr/bin/env python
"""Runs the project that the official conformance suite is pointed at: ``manage.py runmcp --port 18000``."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    """Run the command that the command line names. ``runmcp`` makes the tables first, for sessions."""
    sys.path.append(str(Path(__file__).resolve().parents[2]))  # mcp_django, where it isn't installed
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    import django
    from django.core.management import call_command, execute_from_command_line

    if sys.argv[1:2] == ["runmcp"]:
        django.setup()
        call_command("migrate", interactive=False, verbosity=0)
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
