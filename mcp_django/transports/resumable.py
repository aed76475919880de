"""Calls that outlive their client's connection, and clients that come back for the rest (2025-11-25, Resumability)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mcp_types import INTERNAL_ERROR, INVALID_PARAMS

from mcp_django.auth.bearer import renewed
from mcp_django.auth.credentials import seconds_left
from mcp_django.conf import get_settings
from mcp_django.engine.dispatcher import refusal
from mcp_django.sessions.hub import get_hub
from mcp_django.sessions.listeners import Listener
from mcp_django.sessions.log import EventLog, Reader, find_request, read_after
from mcp_django.transports.refusals import Refusal
from mcp_django.transports.session import listening
from mcp_django.transports.stopping import at_stop
from mcp_django.transports.watch import Watch

if TYPE_CHECKING:
    from mcp_django.engine.exchange import Exchange
    from mcp_django.sessions.store import LiveSession
    from mcp_django.transports.requests import Request

logger = logging.getLogger(__name__)

PRIMED_SINCE = "2025-11-25"
"""Since this revision a stream begins with an event that has only an id; earlier clients choke on it."""

LOOK_SECONDS = 1
"""How often a stream that is read on looks for events, and asks whether its call still runs."""

CHECK_SECONDS = 30
"""How often it looks whether the client's token still counts."""

LOST_SECONDS = 10
"""A call that has shown no life for so long is taken for lost: its worker was killed."""


class ResumableCall:
    """A call in a task of its own, which goes on when the client loses the connection in the middle of a stream.

    The task belongs to this object while the client is there, and to its event log afterwards, which ends it when the
    client stays away.
    """

    def __init__(self, request: Request, session: LiveSession, exchange: Exchange) -> None:
        self.request, self.exchange = request, exchange
        self.log = EventLog(session.id, exchange.request_id, give_up=self.call_off)
        request.reply.keep(self.log, primed=session.version >= PRIMED_SINCE)

    async def run(self, call: Coroutine[Any, Any, None]) -> bool:
        """Run a call that sends its own answer, until it is over or has to go on without its client.

        Returns:
            Whether it was ended because the server stops.

        Raises:
            Exception: what the call raised.
        """
        request = self.request
        self.task = asyncio.get_running_loop().create_task(call)
        self.task.add_done_callback(self._done)
        try:
            with Watch(request.receive, request.reply, get_settings().KEEP_ALIVE_SECONDS) as watch:
                await asyncio.wait([self.task, self.log.left], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self.call_off()
            raise
        if not self.task.done() and watch.end != "stopped" and request.reply.resumable:
            at_stop.add(self.call_off)
            self.log.leave()
        else:
            await self._end()
        await request.reply.drop()
        return watch.end == "stopped"

    def call_off(self) -> None:
        """End the call: nobody waits for its answer any more."""
        self.exchange.cancel()
        self.task.cancel()

    async def _end(self) -> None:
        if not self.task.done():
            self.call_off()
            await asyncio.wait([self.task])
        if not self.task.cancelled():
            self.task.result()

    def _done(self, task: asyncio.Task[None]) -> None:
        self.log.close()
        at_stop.discard(self.call_off)
        if self.log.away and not task.cancelled() and (error := task.exception()) is not None:
            logger.error("A call whose client is away failed.", exc_info=error)


async def resume(request: Request, session: LiveSession, event_id: str) -> None:
    """Serve a GET with ``Last-Event-ID``: the rest of an answer.

    Raises:
        Refusal: 400, when this session has said nothing of that id, or it is not kept any more.
    """
    stream, _, number = event_id.rpartition(".")
    request_id = None
    if len(event_id) <= 64 and number.isascii() and number.isdigit():
        request_id = await find_request(session.id, stream)
    if request_id is None:
        raise Refusal(400, "The Last-Event-ID names nothing that is kept for this session.", code=INVALID_PARAMS)
    listener = Listener(session.server, (), ())
    with listening(listener, session.owner), Reader(stream, listener.touch) as reader:
        await get_hub().joined()
        await request.reply.open()
        with Watch(request.receive, request.reply, get_settings().KEEP_ALIVE_SECONDS):
            await _read_on(request, session.id, reader, int(number), listener, request_id)
    await request.reply.close()


async def _read_on(
    request: Request, session_id: str, reader: Reader, number: int, listener: Listener, request_id: int | str
) -> None:
    """Send what comes after an event, until the answer has been sent."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds_left(request.principal, get_settings().STREAM_SECONDS)
    asked, due = float("-inf"), loop.time() + CHECK_SECONDS
    while loop.time() < until and not listener.ended:
        listener.stale = False
        if loop.time() - asked >= LOOK_SECONDS:
            asked = loop.time()
            reader.ask()
        if loop.time() >= due:
            due = loop.time() + CHECK_SECONDS
            if await renewed(request.principal) is None:
                return
        for event in await read_after(session_id, reader.stream, number):
            number = event.number
            await request.reply.replay(f"{reader.stream}.{number}", event.message.encode())
            if event.last:
                return
            listener.stale = True  # there may be more
        if loop.time() - reader.heard > LOST_SECONDS:
            await request.reply.finish(refusal(request_id, INTERNAL_ERROR, "The call was lost: call again.").body, 200)
            return
        await _woken(listener)


async def _woken(listener: Listener) -> None:
    if not listener.awake:
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await listener.woken()
