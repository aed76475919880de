"""What the HTTP transports with sessions share: the stream of a session's events, and what its client tells."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError

from mcp_django.auth.bearer import renewed
from mcp_django.auth.credentials import seconds_left
from mcp_django.conf import get_settings
from mcp_django.engine.access import audible_uris
from mcp_django.engine.exchange import Exchange
from mcp_django.engine.server import get_engine
from mcp_django.engine.subscriptions import Notify, TooManyStreams, claim_stream, forward
from mcp_django.sessions.calls import cancel_call
from mcp_django.sessions.connection import Transport
from mcp_django.sessions.events import Event
from mcp_django.sessions.hub import get_hub
from mcp_django.sessions.listeners import Listener
from mcp_django.sessions.questions import take_answer
from mcp_django.sessions.store import LiveSession, find_session
from mcp_django.transports.messages import Message
from mcp_django.transports.refusals import Refusal

if TYPE_CHECKING:
    from mcp_django.transports.requests import Request

logger = logging.getLogger(__name__)

LOOK_SECONDS = 30
"""How often an open stream looks whether its session is still there, and says that its client is."""


@contextmanager
def listening(listener: Listener, owner: tuple[str, str]) -> Iterator[None]:
    """Hear of events inside. Raises ``Refusal`` when too many streams are open."""
    try:
        claim_stream(listener, owner)
    except TooManyStreams as error:
        later = ((b"retry-after", b"30"),)
        raise Refusal(error.http_status, error.message, code=error.code, headers=later, reason=error.reason) from error
    try:
        yield
    finally:
        get_hub().listeners.remove(listener)


def forward_events(listener: Listener, request: Request, transport: Transport, notify: Notify) -> Awaitable[None]:
    """Send a session's events until it, its stream or its client's token ends.

    Now and then it looks whether the session is still there, and the client still who it was.
    """
    seconds = seconds_left(request.principal, get_settings().STREAM_SECONDS)
    look = partial(_look, listener, request, transport)
    return forward(listener, notify, seconds=seconds, look=look, every=LOOK_SECONDS)


async def _look(listener: Listener, request: Request, transport: Transport) -> bool:
    """Read the session anew, and say whether it is still there. A database that is away says nothing of it."""
    try:
        principal = await renewed(request.principal)
        if principal is None:
            return False
        request.principal = principal
        session = await find_session(listener.session, listener.server, principal, transport)
        if session is None or session.stream != listener.token:
            return False
        uris = await audible(session, request)
    except DatabaseError:
        logger.warning("A stream could not look whether its session is still there.", exc_info=True)
        return True
    added = uris - listener.uris
    get_hub().listeners.resubscribe(listener, uris)
    for uri in added:  # what happened since the client subscribed, at another worker, was not heard here
        listener.put(Event(listener.server, "resource", uri))
    return True


async def audible(session: LiveSession, request: Request) -> set[str]:
    """Return those of a session's subscriptions of which its client may hear."""
    exchange = Exchange(
        engine=get_engine(request.server),
        method="resources/subscribe",
        params=None,
        request_id=0,
        version=session.version,
        transport=session.transport,
        principal=request.principal,
    )
    return set(await audible_uris(session.subscriptions, exchange, step_up=False))


async def take_word(session: LiveSession, message: Message) -> None:
    """Act on a notification, or on the answer to a question of ours."""
    if message.method is None:
        await take_answer(session, message.id, dict(message.raw))
    elif message.method == "notifications/cancelled" and message.params:
        request_id: Any = message.params.get("requestId")
        if type(request_id) in (int, str):
            cancel_call(get_hub(), session.id, request_id)
