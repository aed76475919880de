"""What the HTTP transports with sessions share: the stream of a session's events, and what its client tells."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import DatabaseError

from mcp_django.auth import Principal
from mcp_django.conf import get_settings
from mcp_django.engine.subscriptions import BREATH_SECONDS, TooManyStreams, claim_stream
from mcp_django.sessions.calls import cancel_call
from mcp_django.sessions.connection import Transport
from mcp_django.sessions.events import Event
from mcp_django.sessions.hub import get_hub
from mcp_django.sessions.listeners import Listener
from mcp_django.sessions.questions import take_answer
from mcp_django.sessions.store import LiveSession, find_session
from mcp_django.transports.messages import Message
from mcp_django.transports.refusals import Refusal

logger = logging.getLogger(__name__)

LOOK_SECONDS = 30
"""How often an open stream looks whether its session is still there, and says that its client is."""

Notify = Callable[[str, dict[str, Any]], Awaitable[None]]


@contextmanager
def listening(listener: Listener, owner: tuple[str, str]) -> Iterator[None]:
    """Hear of events inside. Raises ``Refusal`` when too many streams are open."""
    try:
        claim_stream(listener, owner)
    except TooManyStreams as error:
        raise Refusal(error.http_status, error.message, code=error.code, headers=((b"retry-after", b"30"),)) from error
    try:
        yield
    finally:
        get_hub().listeners.remove(listener)


async def forward_events(listener: Listener, principal: Principal, transport: Transport, notify: Notify) -> None:
    """Send a session's events until it or its stream ends, and look now and then whether it is still there."""
    with suppress(TimeoutError):
        async with asyncio.timeout(get_settings().STREAM_SECONDS):
            while not listener.ended:
                events = await _take(listener)
                if listener.stale and not await _look(listener, principal, transport):
                    return
                for event in events:
                    await notify(event.method, event.params())
                await asyncio.sleep(BREATH_SECONDS)


async def _take(listener: Listener) -> list[Event]:
    """Wait for events, or until it is time to look at the session."""
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            return await listener.take()
    except TimeoutError:
        listener.stale = True
        return []


async def _look(listener: Listener, principal: Principal, transport: Transport) -> bool:
    """Read the session anew, and say whether it is still there. A database that is away says nothing of it."""
    listener.stale = False
    try:
        session = await find_session(listener.session, listener.server, principal, transport)
    except DatabaseError:
        logger.warning("A stream could not look whether its session is still there.", exc_info=True)
        return True
    if session is None or session.stream != listener.token:
        return False
    added = session.subscriptions - listener.uris
    get_hub().listeners.resubscribe(listener, session.subscriptions)
    for uri in added:  # what happened since the client subscribed, at another worker, was not heard here
        listener.put(Event(listener.server, "resource", uri))
    return True


async def take_word(session: LiveSession, message: Message) -> None:
    """Act on a notification, or on the answer to a question of ours."""
    if message.method is None:
        await take_answer(session, message.id, dict(message.raw))
    elif message.method == "notifications/cancelled" and message.params:
        request_id: Any = message.params.get("requestId")
        if type(request_id) in (int, str):
            cancel_call(session.id, request_id)
