#!/usr/bin/env python
"""Runs the management commands of the project that several workers serve together."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command that the command line names."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
