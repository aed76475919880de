"""The queue and its thread: bounds, failures, the end."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest
from django.core import mail
from django.db import DatabaseError

from mcp_django.activity import recorder as module
from mcp_django.activity.recorder import Recorder
from mcp_django.activity.rows import Record
from mcp_django.models import Call, Worker

pytestmark = pytest.mark.django_db(transaction=True)


def made(number: int = 1, **changes: Any) -> Record:
    values: dict[str, Any] = dict.fromkeys(Record._fields, "")
    values |= {"ended": 1_790_000_000 + number, "milliseconds": 1.5, "user_id": None, "outcome": "ok"}
    return Record(**{**values, "transport": "stdio", "request_id": str(number), **changes})


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bool]]:
    """A database that can be away."""
    state = {"away": True}
    write = module.write

    def maybe(records: Any) -> None:
        if state["away"]:
            raise DatabaseError("away")
        write(records)

    monkeypatch.setattr(module, "write", maybe)
    return state


def test_more_rows_than_fit_into_a_statement_are_all_written_in_order() -> None:
    recorder = Recorder()
    for number in range(2500):
        recorder.note(made(number))
    recorder.flush()
    assert list(Call.objects.order_by("pk").values_list("request_id", flat=True)) == [str(n) for n in range(2500)]


def test_what_a_client_says_of_itself_is_cut_to_its_column() -> None:
    recorder = Recorder()
    recorder.note(made(method="m" * 1000, client_name="Cla\0ude" * 100, error="e" * 500))
    recorder.flush()
    call = Call.objects.get()
    assert (len(call.method), len(call.client_name), len(call.error)) == (64, 200, 100)
    assert "\0" not in call.client_name


def test_a_database_that_is_away_costs_no_row_once_it_is_back(
    broken: dict[str, bool], caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder()
    for number in range(3):
        recorder.note(made(number))
        recorder.flush()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    broken["away"] = False
    recorder.flush()
    assert Call.objects.count() == 3


def test_rows_that_had_to_be_dropped_are_told_once_with_their_number(
    broken: dict[str, bool], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ROWS", 10)
    recorder = Recorder()
    for number in range(14):
        recorder.note(made(number))
    recorder.flush()
    broken["away"] = False
    recorder.flush()
    recorder.flush()
    assert [record.getMessage() for record in caplog.records if "not recorded" in record.getMessage()] == [
        "4 calls were not recorded: more came than could be written."
    ]
    assert (Call.objects.count(), recorder.dropped) == (10, 4)


def test_a_flood_of_strangers_leaves_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_STRANGERS", 5)
    recorder = Recorder()
    for number in range(50):
        recorder.note_stranger(made(number, outcome="refused"))
    recorder.note(made(99))
    recorder.flush()
    assert (Call.objects.count(), recorder.dropped) == (6, 45)
    recorder.note_stranger(made(outcome="refused"))
    recorder.flush()
    assert Call.objects.count() == 7


def test_a_strict_row_that_cant_be_written_is_written_later(broken: dict[str, bool]) -> None:
    recorder = Recorder(strict=True)
    recorder.write_now(made())
    broken["away"] = False
    recorder.flush()
    assert Call.objects.count() == 1


def test_the_thread_writes_says_that_it_is_there_and_writes_the_last_rows_when_it_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(mail, "outbox")
    written = Event()
    write = module.write
    monkeypatch.setattr(module, "write", lambda records: (write(records), written.set()))
    recorder = Recorder()
    recorder.note(made(1))
    assert written.wait(10)
    recorder.note(made(2))
    recorder.close()
    assert Call.objects.count() == 2
    assert Worker.objects.count() == 0
    recorder.note(made(3))
    recorder.close()
    assert Call.objects.count() == 3


def test_no_thread_writes_beside_a_test() -> None:
    recorder = Recorder()
    recorder.note(made())
    assert recorder._thread is None
