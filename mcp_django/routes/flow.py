"""An ASGI response under way: a task of its own runs it, and hands its messages over one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from contextlib import suppress
from typing import Any

from mcp_django.lanes import Lane
from mcp_django.threads import get_pool
from mcp_django.transports import loop

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]


class Flow:
    """The messages of one response.

    Under ASGI the task runs on the loop of the request. Under WSGI, where a view's loop ends with the view, it runs on
    the loop of the process; each of the methods then is called through ``loop.submit``.

    Args:
        application: what sends the messages.
    """

    def __init__(self, application: Callable[[Send], Awaitable[None]]) -> None:
        self._application = application
        self._messages: asyncio.Queue[Message | BaseException | None] = asyncio.Queue(maxsize=1)
        self._task: asyncio.Task[None] | None = None

    async def receive(self) -> Message | None:
        """Return the next message; ``None`` after the last. Raises what the application raised."""
        if self._task is None:
            self._loop = asyncio.get_running_loop()
            self._task = asyncio.create_task(self._run())
        message = await self._messages.get()
        if isinstance(message, BaseException):
            raise message
        return message

    async def stop(self) -> None:
        """Cancel the task, and wait until it has cleaned up."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def abandon(self) -> None:
        """Cancel the task, from any thread, without waiting for it: nobody has asked for what comes next."""
        if self._task is not None and not self._task.done():
            with suppress(RuntimeError):  # the loop is closed, and the task with it
                self._loop.call_soon_threadsafe(self._task.cancel)

    async def parts(self) -> AsyncIterator[bytes]:
        """Give the parts of the body; stop the task when nobody takes the next one."""
        try:
            while (message := await self.receive()) is not None:
                if body := message.get("body"):
                    yield bytes(body)
        finally:
            await self.stop()

    def blocking_parts(self) -> Iterator[bytes]:
        """Do as ``parts``, for the thread of a WSGI server."""
        try:
            while (message := loop.submit(self.receive).result()) is not None:
                if body := message.get("body"):
                    yield bytes(body)
        finally:
            loop.submit(self.stop).result()

    async def _run(self) -> None:
        last: BaseException | None = None
        try:
            with Lane(get_pool()):
                await self._application(self._messages.put)
        except Exception as error:
            last = error
        await self._messages.put(last)
