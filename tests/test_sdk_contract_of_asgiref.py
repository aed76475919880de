"""What ``mcp_django.lanes`` and ``Context`` lean on in asgiref, and its documentation doesn't promise."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextvars import ContextVar
from functools import partial
from typing import Any, TypeVar

import pytest
from asgiref.sync import SyncToAsync, ThreadSensitiveContext, async_to_sync, sync_to_async

pytestmark = pytest.mark.anyio

T = TypeVar("T")
SECONDS = 10
variable: ContextVar[str] = ContextVar("variable", default="unset")


class OneThread(Executor):
    """Runs what it is given on a thread each time, and remembers how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        self.asked += 1
        future: Future[T] = Future()

        def run() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(fn(*args, **kwargs))
                except BaseException as error:
                    future.set_exception(error)

        threading.Thread(target=run, name="one", daemon=True).start()
        return future


@pytest.fixture
def executor() -> OneThread:
    return OneThread()


def _name() -> str:
    return threading.current_thread().name


async def _in_a_context(executor: Executor, work: Callable[[], Any]) -> Any:
    """Make ``executor`` the thread of this context, as a lane does: the context itself is never entered."""
    context = ThreadSensitiveContext()
    SyncToAsync.context_to_thread_executor[context] = executor
    token = SyncToAsync.thread_sensitive_context.set(context)
    try:
        return await work()
    finally:
        SyncToAsync.thread_sensitive_context.reset(token)


async def test_thread_sensitive_code_runs_where_context_to_thread_executor_says(executor: OneThread) -> None:
    assert await _in_a_context(executor, sync_to_async(_name)) == "one"
    assert executor.asked == 1


async def test_a_future_of_the_loop_will_do_for_an_executor() -> None:
    class Later(Executor):
        def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Any:
            future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
            future.get_loop().call_soon(lambda: future.set_result(fn(*args, **kwargs)))
            return future

    later: Any = Later()
    assert await _in_a_context(later, sync_to_async(_name)) == _name()
    assert await sync_to_async(_name, thread_sensitive=False, executor=later)() == _name()


async def test_code_that_is_not_thread_sensitive_runs_elsewhere(executor: OneThread) -> None:
    assert await _in_a_context(executor, sync_to_async(_name, thread_sensitive=False)) != "one"
    assert executor.asked == 0


async def test_a_context_that_nobody_holds_takes_its_executor_with_it(executor: OneThread) -> None:
    gc.collect()  # what the cycles of earlier tests still hold must not go while this one counts
    before = len(SyncToAsync.context_to_thread_executor)
    await _in_a_context(executor, sync_to_async(_name))
    assert len(SyncToAsync.context_to_thread_executor) == before


async def test_tasks_of_the_context_run_there_too(executor: OneThread) -> None:
    async def work() -> list[str]:
        return list(await asyncio.gather(sync_to_async(_name)(), asyncio.create_task(sync_to_async(_name)())))

    assert await _in_a_context(executor, work) == ["one", "one"]


def test_the_thread_of_an_outer_async_to_sync_comes_first() -> None:
    """So that sync code of a call runs inside the transaction of a ``TestCase``."""
    executor = OneThread()
    assert async_to_sync(_in_a_context)(executor, sync_to_async(_name)) == _name()
    assert executor.asked == 0


async def test_async_to_sync_in_a_thread_runs_on_the_loop_that_waits_for_it(executor: OneThread) -> None:
    loop = asyncio.get_running_loop()

    async def where() -> bool:
        return asyncio.get_running_loop() is loop

    assert await _in_a_context(executor, sync_to_async(lambda: async_to_sync(where)()))


async def test_sync_code_inside_that_runs_on_the_same_thread(executor: OneThread) -> None:
    async def nested() -> int:
        return await sync_to_async(threading.get_ident)()

    inner, outer = await _in_a_context(
        executor, sync_to_async(lambda: (async_to_sync(nested)(), threading.get_ident()))
    )
    assert inner == outer
    assert executor.asked == 1


async def test_context_variables_go_to_the_thread_and_come_back(executor: OneThread) -> None:
    def change() -> str:
        before = variable.get()
        variable.set("thread")
        return before

    variable.set("loop")
    assert await _in_a_context(executor, sync_to_async(change)) == "loop"
    assert variable.get() == "thread"


async def test_what_is_cancelled_ends_at_once_though_its_thread_goes_on(executor: OneThread) -> None:
    started, release = threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        release.wait(SECONDS)

    task = asyncio.create_task(_in_a_context(executor, sync_to_async(work)))
    assert await asyncio.to_thread(started.wait, SECONDS)
    task.cancel()
    try:
        async with asyncio.timeout(SECONDS / 2):
            with pytest.raises(asyncio.CancelledError):
                await task
        assert not release.is_set()
    finally:
        release.set()


async def test_exceptions_come_out_as_they_went_in(executor: OneThread) -> None:
    def fail() -> None:
        raise KeyError("a")

    with pytest.raises(KeyError):
        await _in_a_context(executor, sync_to_async(fail))


async def test_an_executor_can_see_which_function_is_asked_for() -> None:
    """``reads`` looks there. If it can't, calls keep their threads, which is right as well, and costs more."""
    asked: list[Any] = []

    class Looking(OneThread):
        def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
            assert isinstance(fn, partial)
            asked.append(fn.func.__self__)
            return super().submit(fn, *args, **kwargs)

    await _in_a_context(Looking(), sync_to_async(_name))
    (handler,) = asked
    assert isinstance(handler, SyncToAsync)
    assert handler.func is _name
