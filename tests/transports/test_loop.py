"""The loop of a process whose server has none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextvars import ContextVar

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.exceptions import ImproperlyConfigured

from mcp_django import MCPServer
from mcp_django.lanes import Lane
from mcp_django.threads import get_pool
from mcp_django.transports import loop
from mcp_django.transports.loop import get_loop, run, stop_loop
from tests.views import in_the_urlconf, post_to_view
from tests.wire import request

SECONDS = 10
variable: ContextVar[str] = ContextVar("variable", default="")


@pytest.fixture(autouse=True)
def _stopped() -> Iterator[None]:
    stop_loop()
    yield
    stop_loop()


def threads_of_the_loop() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "mcp_django-loop"]


def test_all_calls_of_all_threads_run_on_one_loop() -> None:
    async def where() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    before, found = threads_of_the_loop(), list[asyncio.AbstractEventLoop]()
    asking = [threading.Thread(target=lambda: found.append(run(where))) for _ in range(8)]
    for each in asking:
        each.start()
    for each in asking:
        each.join(SECONDS)
    assert set(found) == {get_loop()}
    assert len(found) == 8
    assert len(set(threads_of_the_loop()) - set(before)) == 1


def test_what_a_function_raises_comes_out() -> None:
    async def fail() -> None:
        raise KeyError("a")

    with pytest.raises(KeyError):
        run(fail)


def test_context_variables_go_along() -> None:
    async def look() -> str:
        return variable.get()

    token = variable.set("request")
    assert run(look) == "request"
    variable.reset(token)


def test_sync_code_has_a_thread_even_where_an_async_middleware_waits_for_this_one() -> None:
    """asgiref would give it the thread that waits."""

    async def work() -> str:
        with Lane(get_pool()):
            async with asyncio.timeout(SECONDS):
                return await sync_to_async(lambda: threading.current_thread().name)()

    async def middleware() -> str:
        return await sync_to_async(run)(work)

    assert async_to_sync(middleware)().startswith("mcp_django-")


def test_who_stops_waiting_ends_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    began, ended = threading.Event(), threading.Event()

    async def wait() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    def interrupted(self: object) -> None:
        assert began.wait(SECONDS)
        raise KeyboardInterrupt

    get_loop()
    monkeypatch.setattr("concurrent.futures.Future.result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(wait)
    assert ended.wait(SECONDS)


def test_a_process_that_ends_cancels_its_calls_and_the_client_is_told_to_come_again(server: MCPServer) -> None:
    ended = threading.Event()

    @server.tool
    async def tool() -> None:
        threading.Thread(target=stop_loop).start()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with in_the_urlconf():
        response = post_to_view(request("tools/call", {"name": "tool"}))
    assert ended.is_set()
    assert (response.status, response.json["error"]["message"]) == (503, "The server is stopping: try again.")


def test_after_it_was_stopped_another_one_is_started() -> None:
    async def nothing() -> str:
        return "done"

    assert run(nothing) == "done"
    before = get_loop()
    stop_loop()
    assert before.is_closed()
    assert run(nothing) == "done"


def test_a_forked_child_starts_its_own() -> None:
    before = get_loop()
    kept = loop._running
    assert kept is not None
    loop._forget()
    try:
        assert get_loop() is not before
    finally:
        kept.stop()


def test_greenlets_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    before = threads_of_the_loop()  # another test's may still be about to end
    monkeypatch.setattr(loop, "_sees", lambda other: True)
    with pytest.raises(ImproperlyConfigured, match="gthread"):
        get_loop()
    for started in set(threads_of_the_loop()) - set(before):
        started.join(SECONDS)
        assert not started.is_alive()


def test_a_loop_of_another_thread_is_not_seen() -> None:
    get_loop()
    assert not loop._sees(loop.get_loop())
