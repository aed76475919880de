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
    from collections.abc import Iterator
    from datetime import datetime

    from django.db.models import QuerySet

    from mcp_django.activity.recorder import Recorder
    from mcp_django.sessions.hub import Hub
    from mcp_django.sessions.streams import StreamRows

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
        self._streams: StreamRows | None = None

    def beat(self, now: float) -> None:
        """Say that the process is there, if it is time to, and which streams it has open.

        Args:
            now: as ``time.monotonic`` says.

        Raises:
            django.db.DatabaseError: the database is away.
        """
        if self._streams is None and any(hub.listeners for hub in _hubs()):
            from mcp_django.sessions.streams import StreamRows  # with Channels behind it

            self._streams = StreamRows(self._worker.pk)
        if now >= self._due:
            self._say(now)
            if self._streams is not None:
                self._streams.obey()
        if self._streams is not None:
            self._streams.tell()

    def _say(self, now: float) -> None:
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
    return sum(len(hub.listeners) for hub in _hubs())


def _hubs() -> Iterator[Hub]:
    loaded = sys.modules.get("mcp_django.sessions.hub")  # where it isn't, nobody listens
    return iter(() if loaded is None else loaded.running_hubs())
