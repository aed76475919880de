"""Rows of calls at moments of one's choice."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from mcp_django.activity.summaries import stored
from mcp_django.models import Call

DEFAULTS: dict[str, Any] = {
    "milliseconds": 5.0,
    "server": "fixture",
    "method": "tools/call",
    "kind": "tool",
    "component": "search",
    "client_id": "editor",
    "client_name": "Claude",
    "transport": "streamable-http",
    "outcome": "ok",
}


def add_calls(*moments: datetime, **changes: Any) -> None:
    """Write a call for each moment."""
    Call.objects.bulk_create(Call(**{**DEFAULTS, "ended": stored(each), **changes}) for each in moments)
