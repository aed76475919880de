"""What it costs a call to be recorded."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from time import process_time
from typing import Any

from benchmarks.inprocess import Subject, our_application
from benchmarks.marks import RECORDED_CALL, Mark
from benchmarks.measure import Effort, Series, Table, progress, turns
from benchmarks.wire import ERAS, call

OFF, BUFFERED, WRITTEN = "off", "buffered", "written"

CALLS = 500
"""Calls of one turn: as many as wait for one flush of a busy process."""


async def _take_turns(subjects: dict[str, Subject], effort: Effort) -> Series:
    """Measure the CPU seconds of a call; and, of one that is recorded, those of it with what is written afterwards."""
    from mcp_django.activity import get_recorder

    recorder = get_recorder()
    assert recorder is not None
    gc.collect()
    gc.freeze()
    series = Series()
    for number in range(effort.rounds // 3):
        for name, subject in turns(subjects, number):
            begun = process_time()
            for _ in range(CALLS):
                await subject.load()
            series.add(name, (process_time() - begun) / CALLS)
            await asyncio.to_thread(recorder.flush)
            if name == BUFFERED:
                series.add(WRITTEN, (process_time() - begun) / CALLS)
    return series


class _Unrecorded:
    """The same application, with nothing that records."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, *triple: Any) -> None:
        from mcp_django.engine import dispatcher

        kept, dispatcher.get_recorder = dispatcher.get_recorder, lambda: None
        try:
            await self._application(*triple)
        finally:
            dispatcher.get_recorder = kept


async def _measure(effort: Effort, marks: list[Mark]) -> Table:
    from benchmarks.subjects.functions import ARGUMENTS

    application, rows = our_application(), []
    for era in ERAS:
        request = call(era, "add", ARGUMENTS["add"])
        progress(f"activity: tools/call, {era}")
        subjects = {OFF: Subject(_Unrecorded(application), request), BUFFERED: Subject(application, request)}
        for subject in subjects.values():
            await subject.load()
        series = await _take_turns(subjects, effort)
        ratio = series.ratio(BUFFERED, OFF)
        off, buffered, written = (series.median(name) * 1e6 for name in (OFF, BUFFERED, WRITTEN))
        rows.append((era, off, buffered, ratio, written - buffered, series.ratio(WRITTEN, OFF)))
        marks.append(Mark(f"activity, tools/call, {era}: buffered / off", ratio, RECORDED_CALL))
    title = "Activity: `tools/call` of `async add`, in process; SQLite in a file with a write-ahead log"
    columns = ("era", "off, CPU µs", "buffered, CPU µs", "buffered / off", "writing its row, CPU µs", "with that / off")
    return Table(title, columns, rows)


def run(effort: Effort, marks: list[Mark], directory: Path) -> list[Table]:
    """Measure this part. Adds to ``marks``; Django must be set up."""
    from django.conf import settings
    from django.core import mail
    from django.test import override_settings

    mail.outbox = []  # type: ignore[attr-defined]  # no thread: what is written is measured with what wrote it
    with override_settings(MCP_DJANGO=settings.MCP_DJANGO | {"ACTIVITY": "buffered"}):
        return [asyncio.run(_measure(effort, marks))]
