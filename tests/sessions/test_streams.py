"""The rows of open streams: copied from what a worker has open, and read for what is to end."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone

from mcp_django.activity.heartbeat import BEAT_SECONDS, Heartbeat
from mcp_django.activity.recorder import Recorder
from mcp_django.models import Stream, Worker
from mcp_django.sessions.hub import get_hub
from mcp_django.sessions.listeners import LIST_KINDS, Listener
from mcp_django.sessions.streams import StreamRows, end_here, end_streams
from tests.sessions.queries import note_queries

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def worker() -> Worker:
    now = timezone.now()
    return Worker.objects.create(id="w1", host="h", pid=1, started=now, seen=now, streams=0, dropped=0)


@pytest.fixture
def told(worker: Worker) -> StreamRows:
    return StreamRows(worker.pk)


def opened(session: str = "", uris: tuple[str, ...] = (), user: Any = "") -> Listener:
    listener = Listener("polls", LIST_KINDS, uris, session=session)
    listener.owner = (str(user), "app")
    get_hub().listeners.add(listener)
    return listener


@pytest.fixture(autouse=True)
async def _no_listeners() -> Any:
    yield
    for listener in get_hub().listeners.all():
        get_hub().listeners.remove(listener)


async def rows() -> list[Stream]:
    return [each async for each in Stream.objects.order_by("session")]


async def test_what_is_open_has_a_row_for_as_long_as_it_is(told: StreamRows) -> None:
    user = await User.objects.acreate(username="ada")
    first, second = opened("s1", ("a://1", "a://2"), user.pk), opened()
    await sync_to_async(told.tell)()
    nobody, adas = await rows()
    assert (adas.pk, adas.server, adas.session, adas.user_id, adas.client_id, adas.worker_id) == (
        first.token,
        "polls",
        "s1",
        user.pk,
        "app",
        "w1",
    )
    assert adas.hears == "lists of prompts, resources, tools; 2 resources"
    assert (nobody.pk, nobody.user_id) == (second.token, None)
    assert timedelta() <= timezone.now() - adas.opened < timedelta(minutes=1)
    get_hub().listeners.remove(second)
    await sync_to_async(told.tell)()
    assert [each.pk for each in await rows()] == [first.token]


async def test_a_stream_that_hears_of_more_says_so_and_nothing_is_written_otherwise(
    told: StreamRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = opened("s1")
    await sync_to_async(told.tell)()
    queries = note_queries(monkeypatch)
    await sync_to_async(told.tell)()
    assert queries == []
    get_hub().listeners.resubscribe(listener, ["a://1"])
    await sync_to_async(told.tell)()
    assert (await rows())[0].hears.endswith("; 1 resource")


async def test_what_staff_have_ended_ends_though_nobody_was_told(told: StreamRows) -> None:
    """The channel layer may lose it: the row is enough."""
    listener, other = opened("s1"), opened("s2")
    await sync_to_async(told.tell)()
    await Stream.objects.filter(pk=listener.token).aupdate(ended=True)
    await sync_to_async(told.obey)()
    await asyncio.sleep(0)
    assert (listener.ended, other.ended) == (True, False)


async def test_rows_that_got_lost_are_written_again_and_end_nothing(told: StreamRows) -> None:
    listener = opened("s1")
    await sync_to_async(told.tell)()
    await Stream.objects.all().adelete()
    await sync_to_async(told.obey)()
    await sync_to_async(told.tell)()
    assert [each.pk for each in await rows()] == [listener.token]
    assert not listener.ended


async def test_ending_tells_the_worker_at_once(told: StreamRows) -> None:
    listener, other = opened("s1"), opened("s2")
    get_hub().on("stream", end_here)
    await sync_to_async(told.tell)()
    await sync_to_async(end_streams)([listener.token])
    async with asyncio.timeout(10):
        while not listener.ended:
            await asyncio.sleep(0.001)
    assert not other.ended
    assert [each.ended for each in await rows()] == [True, False]


async def test_a_worker_tells_of_its_streams_at_every_look_and_takes_them_along() -> None:
    heartbeat = Heartbeat(Recorder())
    await sync_to_async(heartbeat.beat)(0)
    listener = opened("s1")
    await sync_to_async(heartbeat.beat)(BEAT_SECONDS / 2)
    assert [each.pk for each in await rows()] == [listener.token]
    await sync_to_async(heartbeat.end)()
    assert await rows() == []
