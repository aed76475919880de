"""The end of what was recorded."""

from __future__ import annotations

from datetime import datetime, timedelta

from mcp_django.activity.summaries import stored, summarise
from mcp_django.models import Call, CallSummary


def delete_activity(now: datetime, days: float) -> int:
    """Delete calls and their summaries that are older than so many days; return how many calls it were."""
    limit = stored(now - timedelta(days=days))
    summarise(now)
    count, _ = Call.objects.filter(ended__lt=limit).delete()
    CallSummary.objects.filter(start__lt=limit).delete()
    return count
