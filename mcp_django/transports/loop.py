"""One event loop for a process whose server has none: on a thread of its own, from the first request to the end.

Under WSGI a request comes on a thread, and the engine is async. One loop for the process makes this like a process that
serves ASGI: one clock, threads and connections that are used again, a timeout that doesn't wait for the function.
docs/decisions/0012 has what was refused.
"""

from __future__ import annotations

import asyncio
import atexit
import os
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Any, TypeVar

from asgiref.sync import AsyncToSync, async_to_sync
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from mcp_django.engine.switches import on_a_passing_loop

T = TypeVar("T")

CLOSE_SECONDS = 3
"""How long a process that ends waits for cancelled calls to clean up."""


class LoopThread:
    """A loop that turns until it is stopped."""

    def __init__(self) -> None:
        started: Future[asyncio.AbstractEventLoop] = Future()
        self._stop = asyncio.Event()
        self._thread = Thread(target=lambda: asyncio.run(self._turn(started)), name="mcp_django-loop", daemon=True)
        self._thread.start()
        self.loop = started.result()

    async def _turn(self, started: Future[asyncio.AbstractEventLoop]) -> None:
        started.set_result(asyncio.get_running_loop())
        await self._stop.wait()

    def stop(self) -> None:
        """Cancel what still runs, and wait for it for a moment."""
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(CLOSE_SECONDS)


_lock = Lock()
_running: LoopThread | None = None


def get_loop() -> asyncio.AbstractEventLoop:
    """Return the loop of this process, and start it if need be.

    Raises:
        ImproperlyConfigured: the threads of this process are greenlets, which share everything that asyncio keeps for
            a thread: while our loop turned, all of the project's ORM code would be taken for async code.
    """
    global _running
    with _lock:
        if _running is None:
            started = LoopThread()
            if _sees(started.loop):
                started.stop()
                raise ImproperlyConfigured(
                    "The MCP endpoint needs real threads, and gevent or eventlet has replaced them: serve it with "
                    "threads (gunicorn --worker-class gthread), or with ASGI."
                )
            _running = started
        return _running.loop


def run(make: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> T:
    """Call an async function, and wait for its result on this thread.

    Its sync code runs on the threads of calls, except when a transaction is open on this thread (by a ``TestCase``, by
    a middleware): then here, inside the transaction.

    Raises:
        CancelledError: the process ends (``concurrent.futures``).
        Exception: whatever the function raises.
    """
    if any(connection.in_atomic_block for connection in connections.all(initialized_only=True)):
        with on_a_passing_loop():
            return async_to_sync(make)(*args)
    future = submit(make, *args)
    try:
        return future.result()
    except BaseException:
        future.cancel()  # what ends the waiting, such as the server's own time limit, ends the call
        raise


def submit(make: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> Future[T]:
    """Call an async function on the loop of this process, and return at once."""
    return asyncio.run_coroutine_threadsafe(_apart(make, *args), get_loop())


async def _apart(make: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> T:
    # Inside an outer async_to_sync (of an async middleware), asgiref would hand sync code to the thread that waits for
    # us here: nobody would ever run it.
    AsyncToSync.executors.current = None
    return await make(*args)


def _sees(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether a loop of another thread is the running one here."""
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


def stop_loop() -> None:
    """Stop the loop of this process, if there is one. The next request starts another."""
    global _running
    with _lock:
        stopped, _running = _running, None
    if stopped is not None:
        stopped.stop()


def _forget() -> None:
    """Start over in a forked child, which has none of its parent's threads."""
    global _lock, _running
    _lock, _running = Lock(), None


atexit.register(stop_loop)
os.register_at_fork(after_in_child=_forget)
