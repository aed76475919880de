"""That this process serves: a row that says so again and again, and goes when it doesn't."""

from __future__ import annotations

import os
import socket
import sys
from datetime import timedelta
from secrets import token_hex
from typing import TYPE_CHECKING

from django.utils import timezone

from mcp_django.models import Worker

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from mcp_django.activity.recorder import Recorder

BEAT_SECONDS = 10

LOST_SECONDS = 35
"""A process that has been silent for this long is taken for gone."""


class Heartbeat:
    """The row of one process, for the thread that records."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._worker = Worker(
            id=token_hex(16), host=socket.gethostname()[:200], pid=os.getpid(), started=timezone.now(), streams=0
        )
        self._due = float("-inf")

    def beat(self, now: float) -> None:
        """Say that the process is there, if it is time to. ``now``: as ``time.monotonic`` says.

        Raises:
            django.db.DatabaseError: the database is away.
        """
        if now < self._due:
            return
        self._due = now + BEAT_SECONDS
        worker = self._worker
        worker.seen, worker.streams, worker.dropped = timezone.now(), _streams(), self._recorder.dropped
        told = ["host", "pid", "started", "seen", "streams", "dropped"]
        Worker.objects.bulk_create([worker], update_conflicts=True, unique_fields=["id"], update_fields=told)
        Worker.objects.filter(seen__lt=worker.seen - timedelta(seconds=LOST_SECONDS)).delete()

    def end(self) -> None:
        """Take the row away. Raises ``django.db.DatabaseError``."""
        Worker.objects.filter(pk=self._worker.pk).delete()


def live_workers(now: datetime) -> QuerySet[Worker]:
    """Return the processes that said a moment ago that they serve."""
    return Worker.objects.filter(seen__gte=now - timedelta(seconds=LOST_SECONDS))


def _streams() -> int:
    hub = sys.modules.get("mcp_django.sessions.hub")  # where it isn't loaded, nobody listens
    return sum(len(each.listeners) for each in hub.running_hubs()) if hub is not None else 0
