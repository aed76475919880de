"""The one place in a process that keeps what happened until it is written: a queue, and the thread that empties it.

The thread starts with the first record, for daphne knows no start-up, and ends with the process. Noting a call is an
append to a deque, which needs no lock. A database that is away costs rows, and never a call.
"""

from __future__ import annotations

import atexit
import logging
import os
from collections import deque
from datetime import UTC, datetime
from functools import cache
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any

from django.core import mail
from django.core.signals import setting_changed
from django.db import close_old_connections, connections
from django.dispatch import Signal, receiver

from mcp_django.activity.rows import Record, as_call, write
from mcp_django.activity.summaries import summarise
from mcp_django.conf import get_settings
from mcp_django.models import Call
from mcp_django.signals import refused, resource_read, tool_called

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 0.5
"""How long a record waits at most before it is written, as long as the database keeps up."""

FLUSH_ROWS = 1000
"""So many that wait are written at once."""

MAX_ROWS = 20_000
"""Most records that wait. While the database is away, further ones are dropped, and counted."""

MAX_STRANGERS = 100
"""Most refusals of nobody in particular that may wait: a flood of them must not fill the table."""

SUMMARY_SECONDS = 60
"""How often it looks whether a quarter of an hour is over."""

CLOSE_SECONDS = 4
"""How long a process that ends waits for the last rows to be written."""

_SIGNALS: dict[str, Signal] = {"tools/call": tool_called, "resources/read": resource_read}


class Recorder:
    """Keeps the records of one process."""

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        """Whether a record is to be written before its call is answered."""

        self.dropped = 0
        """How many records were dropped since the process began."""

        self._rows: deque[tuple[Any, ...]] = deque()
        """Records, each as the tuple of its fields: to name them takes as long as to put them together."""

        self._strangers = 0
        self._unsaid = 0
        self._failing = False
        self._writing = Lock()
        self._starting = Lock()
        self._wanted = Event()
        self._stopping = False
        self._summary_due = float("-inf")
        self._thread: Thread | None = None

    def note(self, record: tuple[Any, ...]) -> None:
        """Keep a record, or the tuple of its fields, to be written soon. From any thread."""
        rows = self._rows
        if len(rows) >= MAX_ROWS:
            self._drop()
            return
        rows.append(record)
        if self._thread is None:
            self.start()
        if len(rows) == FLUSH_ROWS:
            self._wanted.set()

    def note_stranger(self, record: Record) -> None:
        """Keep the refusal of a request of nobody in particular, unless many of them wait."""
        if self._strangers >= MAX_STRANGERS:
            self._drop()
            return
        self._strangers += 1
        self.note(record)

    def start(self) -> None:
        """Start the thread, if it doesn't run yet.

        Not in tests: it would write beside their transactions, and keep their database from being deleted. There,
        ``flush()`` writes.
        """
        if self._thread is None and not hasattr(mail, "outbox"):
            self._begin()

    def flush(self) -> None:
        """Write all that waits, on this thread. A database that is away is told in the log, and tried again later."""
        with self._writing:
            while self._rows and self._flush_some():
                pass
            if self._unsaid and not self._failing:
                logger.warning("%d calls were not recorded: more came than could be written.", self._unsaid)
                self._unsaid = 0

    def write_now(self, record: tuple[Any, ...]) -> None:
        """Write a record on this thread. A database that is away is told in the log; the record waits then."""
        try:
            write([record])
        except Exception:
            self._fails()
            self.note(record)
            return
        self._failing = False
        _send_signals([record])

    def close(self) -> None:
        """Write what waits, and end the thread. The next record starts another."""
        thread = self._thread
        if thread is None:
            self.flush()
            return
        self._stopping = True
        self._wanted.set()
        thread.join(CLOSE_SECONDS)
        self._thread, self._stopping = None, False

    def _begin(self) -> None:
        with self._starting:
            if self._thread is None and not self._stopping:
                self._thread = Thread(target=self._run, name="mcp_django-activity", daemon=True)
                self._thread.start()

    def _flush_some(self) -> bool:
        """Write some, and say whether that worked."""
        batch = [self._rows[place] for place in range(min(FLUSH_ROWS, len(self._rows)))]
        try:
            write(batch)
        except Exception:
            self._fails()
            return False
        for _ in batch:
            self._rows.popleft()
        self._failing, self._strangers = False, 0
        _send_signals(batch)
        return True

    def _fails(self) -> None:
        if not self._failing:
            logger.warning("Calls can't be recorded; trying again. Has `manage.py migrate` been run?", exc_info=True)
        self._failing = True

    def _drop(self) -> None:
        self.dropped += 1
        self._unsaid += 1

    def _run(self) -> None:
        from mcp_django.activity.heartbeat import Heartbeat  # it looks at us

        heartbeat = Heartbeat(self)
        try:
            while not self._stopping:
                self._wanted.wait(FLUSH_SECONDS)
                self._wanted.clear()
                self._work(heartbeat)
            self.flush()  # what came while it was just stopping
            heartbeat.end()
        finally:
            connections.close_all()

    def _summarise(self, now: float) -> None:
        """Sum up what is over, so that who opens the dashboard needn't wait for it."""
        if now >= self._summary_due:
            self._summary_due = now + SUMMARY_SECONDS
            summarise(datetime.now(UTC))

    def _work(self, heartbeat: Any) -> None:
        try:
            close_old_connections()
            self.flush()
            heartbeat.beat(monotonic())
            self._summarise(monotonic())
            close_old_connections()
        except Exception:
            logger.exception("Recording calls failed.")


def _send_signals(records: list[tuple[Any, ...]]) -> None:
    """Tell receivers. Whatever one of them raises, Django logs."""
    for signal, wanted in _listened():
        for record in map(Record._make, records):
            if wanted(record):
                signal.send_robust(Call, call=as_call(record))


def _listened() -> list[tuple[Signal, Any]]:
    found: list[tuple[Signal, Any]] = []
    for method, signal in _SIGNALS.items():
        if signal.has_listeners(Call):
            found.append((signal, lambda record, method=method: record.method == method))
    if refused.has_listeners(Call):
        found.append((refused, lambda record: record.outcome == "refused"))
    return found


@cache
def get_recorder() -> Recorder | None:
    """Return the recorder of this process; ``None`` when nothing is to be recorded."""
    mode = get_settings().ACTIVITY
    return None if mode == "off" else Recorder(strict=mode == "strict")


def flush() -> None:
    """Write what waits, and end the thread, for a process that ends or a test that looks at rows."""
    recorder = get_recorder() if get_recorder.cache_info().currsize else None
    if recorder is not None:
        recorder.close()


@receiver(setting_changed)
def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == "MCP_DJANGO":
        get_recorder.cache_clear()


atexit.register(flush)
os.register_at_fork(after_in_child=get_recorder.cache_clear)  # what waits is its parent's to write
