"""Server-sent events."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import AsyncClient, AsyncRequestFactory, RequestFactory
from django.urls import path

from mcp_django.auth import Principal, get_access_token
from mcp_django.auth.access_token import acting_for
from mcp_django.routes import ServerSentEvent, event_stream, last_event_id
from mcp_django.transports.stopping import at_stop
from tests.routes.wire import SECONDS, visit

pytestmark = pytest.mark.anyio

KEEP_ALIVE = b":\n\n"


@pytest.fixture
def serve(settings: Any) -> Callable[..., None]:
    """Serve a generator at ``/events/``: ``serve(numbers, keep_alive=0.01)``."""

    def serve(generator: Callable[[HttpRequest], Any], *, principal: Principal | None = None, **options: Any) -> None:
        async def view(request: Any) -> Any:
            if principal is None:
                return event_stream(request, generator(request), **options)
            request.principal = principal
            with acting_for(principal):
                return event_stream(request, generator(request), **options)

        urlconf = ModuleType("urlconf")
        vars(urlconf)["urlpatterns"] = [path("events/", view)]
        settings.ROOT_URLCONF = urlconf

    return serve


@pytest.mark.parametrize(
    ("event", "sent"),
    [
        (ServerSentEvent(data="one"), b"data: one\n\n"),
        (ServerSentEvent(data="one\ntwo\r\nthree\rfour"), b"data: one\ndata: two\ndata: three\ndata: four\n\n"),
        (ServerSentEvent(data=""), b"data: \n\n"),
        (ServerSentEvent(data="\n"), b"data: \ndata: \n\n"),
        (ServerSentEvent(data="a\u2028b"), "data: a\u2028b\n\n".encode()),
        (ServerSentEvent(data={"a": [1, None]}), b'data: {"a": [1, null]}\n\n'),
        (ServerSentEvent(data="x\n\nevent: evil\ndata: y"), b"data: x\ndata: \ndata: event: evil\ndata: data: y\n\n"),
        (
            ServerSentEvent(data="x", event="news", id="7", retry=1.5),
            b"event: news\nid: 7\nretry: 1500\ndata: x\n\n",
        ),
    ],
)
async def test_an_event_is_one_event_whatever_is_in_it(event: ServerSentEvent, sent: bytes) -> None:
    assert event.encode() == sent


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\r\ndata: x", "a\0b"])
async def test_a_type_or_an_id_of_more_than_one_line_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="event of a server-sent event must be one line"):
        ServerSentEvent(data="", event=text).encode()
    with pytest.raises(ValueError, match="id of a server-sent event must be one line"):
        ServerSentEvent(data="", id=text).encode()


async def test_events_come_as_they_are_made_after_a_first_part_at_once(serve: Any) -> None:
    gate = asyncio.Event()

    async def numbers(request: HttpRequest) -> Any:
        await gate.wait()
        yield {"number": 1}
        yield "two"

    serve(numbers)
    async with visit("/events/") as stream:
        start = await stream.message()
        headers = dict(start["headers"])
        assert start["status"] == 200
        assert headers[b"Content-Type"] == b"text/event-stream; charset=utf-8"
        assert headers[b"Cache-Control"] == b"no-cache, no-transform"
        assert headers[b"X-Accel-Buffering"] == b"no"
        assert b"Connection" not in headers
        assert await stream.body() == KEEP_ALIVE
        gate.set()
        assert await stream.body() == b'data: {"number": 1}\n\n'
        assert await stream.body() == b"data: two\n\n"
        assert await stream.body() == b""


async def test_silence_is_filled_with_comments(serve: Any) -> None:
    gate = asyncio.Event()

    async def late(request: HttpRequest) -> Any:
        await gate.wait()
        yield "late"

    serve(late, keep_alive=0.01)
    async with visit("/events/") as stream:
        await stream.message()
        assert [await stream.body() for _ in range(3)] == [KEEP_ALIVE] * 3
        gate.set()
        while (part := await stream.body()) == KEEP_ALIVE:
            pass
        assert part == b"data: late\n\n"


async def test_a_client_that_leaves_ends_the_generator_where_it_waits(serve: Any) -> None:
    ended = asyncio.Event()

    async def silent(request: HttpRequest) -> Any:
        try:
            yield "first"
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    serve(silent)
    async with visit("/events/") as stream:
        await stream.message()
        await stream.body()
        assert await stream.body() == b"data: first\n\n"
        assert not ended.is_set()
    async with asyncio.timeout(SECONDS):
        await ended.wait()


async def test_a_client_that_takes_nothing_is_not_made_events_for_and_ends_the_generator_when_it_leaves(
    serve: Any,
) -> None:
    made: list[int] = []
    ended = asyncio.Event()

    async def busy(request: HttpRequest) -> Any:
        try:
            for number in range(1_000_000):
                made.append(number)
                yield number
        finally:
            ended.set()

    serve(busy)
    async with visit("/events/") as stream:
        await stream.message()
        for _ in range(50):  # it has every chance to run ahead
            await asyncio.sleep(0)
        assert len(made) <= 5
    async with asyncio.timeout(SECONDS):
        await ended.wait()
    gc.collect()


async def test_a_server_that_stops_ends_the_stream(serve: Any) -> None:
    ended = asyncio.Event()

    async def silent(request: HttpRequest) -> Any:
        try:
            await asyncio.get_running_loop().create_future()
            yield "never"
        finally:
            ended.set()

    serve(silent)
    async with visit("/events/") as stream:
        await stream.message()
        await stream.body()
        await asyncio.sleep(0)
        for stop in list(at_stop):
            stop()
        assert await stream.body() == b""
        assert ended.is_set()
    assert not at_stop


async def test_a_stream_ends_when_its_time_is_over(serve: Any, limited: Any) -> None:
    async def silent(request: HttpRequest) -> Any:
        await asyncio.get_running_loop().create_future()
        yield "never"

    limited(STREAM_SECONDS=0.01)
    serve(silent)
    async with visit("/events/") as stream:
        await stream.message()
        assert [await stream.body() for _ in range(2)] == [KEEP_ALIVE, b""]


async def test_the_generator_knows_who_calls(serve: Any) -> None:
    async def whoami(request: HttpRequest) -> Any:
        for _ in range(2):
            token = get_access_token()
            yield "nobody" if token is None else token.client_id

    serve(whoami, principal=Principal(client_id="mcpk:1", kind="key"))
    async with visit("/events/") as stream:
        await stream.message()
        assert [await stream.body() for _ in range(3)] == [KEEP_ALIVE, b"data: mcpk:1\n\n", b"data: mcpk:1\n\n"]


async def test_the_whole_generator_runs_in_one_task(serve: Any) -> None:
    """So a time limit, or anything else that belongs to a task, may be open while it yields."""

    async def patient(request: HttpRequest) -> Any:
        try:
            async with asyncio.timeout(0.01):
                yield "before"
                await asyncio.get_running_loop().create_future()
        except TimeoutError:
            yield "after"

    serve(patient)
    async with visit("/events/") as stream:
        await stream.message()
        assert [await stream.body() for _ in range(3)] == [KEEP_ALIVE, b"data: before\n\n", b"data: after\n\n"]


async def test_what_the_generator_raises_is_logged_and_ends_the_stream(serve: Any, caplog: Any) -> None:
    async def broken(request: HttpRequest) -> Any:
        yield "one"
        raise TimeoutError("of the author's own")

    serve(broken)
    async with visit("/events/") as stream:
        await stream.message()
        assert [await stream.body() for _ in range(3)] == [KEEP_ALIVE, b"data: one\n\n", b""]
    assert "of the author's own" in caplog.text


async def test_more_streams_than_a_process_may_have_are_refused(serve: Any, limited: Any) -> None:
    gc.collect()

    async def silent(request: HttpRequest) -> Any:
        await asyncio.get_running_loop().create_future()
        yield "never"

    limited(MAX_STREAMS=1)
    serve(silent)
    async with visit("/events/") as stream:
        await stream.message()
        refused = await AsyncClient().get("/events/")
        assert (refused.status_code, refused["Retry-After"]) == (503, "60")
    assert (await AsyncClient().head("/events/")).status_code == 200


async def test_head_starts_nothing(serve: Any) -> None:
    async def never(request: HttpRequest) -> Any:
        raise AssertionError
        yield

    serve(never)
    response = await AsyncClient().head("/events/")
    assert (response.status_code, response["Content-Type"]) == (200, "text/event-stream; charset=utf-8")
    assert response.content == b""


async def test_under_wsgi_a_stream_is_refused_and_not_collected(rf: RequestFactory) -> None:
    async def endless() -> Any:
        while True:
            yield "again"

    assert event_stream(rf.get("/"), endless()).status_code == 501


@pytest.mark.parametrize(
    ("sent", "known"),
    [("7", "7"), ("", ""), ("x" * 257, ""), ("a\x0bb", ""), ("Ü".encode().decode("latin-1"), "Ü")],
)
async def test_the_last_id_that_a_client_has_seen_is_told(sent: str, known: str) -> None:
    assert last_event_id(AsyncRequestFactory().get("/", headers={"last-event-id": sent})) == known
