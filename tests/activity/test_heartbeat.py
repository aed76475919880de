"""Workers that say that they are there."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from django.utils import timezone

from mcp_django.activity.heartbeat import BEAT_SECONDS, LOST_SECONDS, Heartbeat, live_workers
from mcp_django.activity.recorder import Recorder
from mcp_django.models import Worker

pytestmark = pytest.mark.django_db


def test_a_worker_says_so_now_and_then_and_takes_its_row_away() -> None:
    recorder = Recorder()
    heartbeat = Heartbeat(recorder)
    heartbeat.beat(100)
    first = Worker.objects.get()
    assert (first.pid, first.streams, first.dropped) == (os.getpid(), 0, 0)
    recorder.dropped = 7
    heartbeat.beat(100 + BEAT_SECONDS / 2)
    assert Worker.objects.get().dropped == 0
    heartbeat.beat(100 + BEAT_SECONDS)
    again = Worker.objects.get()
    assert (again.pk, again.dropped, again.started) == (first.pk, 7, first.started)
    heartbeat.end()
    assert not Worker.objects.exists()


def test_a_worker_that_fell_silent_is_not_shown_and_goes() -> None:
    now = timezone.now()
    lost = {"host": "h", "pid": 1, "started": now, "streams": 3, "dropped": 0}
    Worker.objects.create(id="lost", seen=now - timedelta(seconds=LOST_SECONDS + 1), **lost)
    assert not live_workers(now).exists()
    Heartbeat(Recorder()).beat(0)
    assert not Worker.objects.filter(pk="lost").exists()
