"""What happened: one row for each request, written off its road, and what the dashboard makes of the rows."""

from __future__ import annotations

from mcp_django.activity.recorder import flush, get_recorder
from mcp_django.activity.rows import Record

__all__ = ["Record", "flush", "get_recorder"]
