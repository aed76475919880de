"""Streamable HTTP for clients that shake hands (2025-03-26 to 2025-11-25): sessions, their stream, and their end.

A client that has no session is served all the same; it only can't be asked anything, and hears of no changes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError
from mcp_types import INTERNAL_ERROR

from mcp_django.conf import get_settings
from mcp_django.engine.dispatcher import Answer, answer
from mcp_django.engine.exchange import Exchange, NoWay
from mcp_django.sessions.calls import AlreadyRunning, TooManyCalls
from mcp_django.sessions.hub import get_hub
from mcp_django.sessions.listeners import LIST_KINDS, Listener
from mcp_django.sessions.questions import SessionEnded, ask
from mcp_django.sessions.store import LiveSession, TooManySessions, end_session, find_session, open_session
from mcp_django.transports.eras import handshake_exchange, response_headers, status_of
from mcp_django.transports.refusals import STOPPING, Refusal, accepts
from mcp_django.transports.reply import Reply
from mcp_django.transports.resumable import PRIMED_SINCE, ResumableCall, resume
from mcp_django.transports.session import audible, forward_events, listening, take_word
from mcp_django.transports.watch import Watch

if TYPE_CHECKING:
    from mcp_django.transports.messages import Message
    from mcp_django.transports.requests import Request

logger = logging.getLogger(__name__)

SESSION_HEADER = "mcp-session-id"

OWN_STREAM = "events."
"""How the event id of a session's own stream begins; others are ids of answers."""


class SessionChannel:
    """The way back to a client with a session: it can also be asked."""

    def __init__(self, reply: Reply, session: LiveSession) -> None:
        self._reply, self._session = reply, session

    async def notify(self, method: str, params: dict[str, Any]) -> None:
        await self._reply.notify(method, params)

    async def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        try:
            return await ask(self._session, lambda question_id: self._reply.request(question_id, method, params))
        except SessionEnded as error:
            raise NoWay(str(error)) from error

    async def hang_up(self, retry_seconds: float) -> None:
        await self._reply.hang_up(retry_seconds)


class HandshakeRequest:
    """One request of such a client; ``message`` is ``None`` when it is no POST."""

    def __init__(self, request: Request, message: Message | None) -> None:
        self.request, self.message = request, message

    async def serve(self) -> None:
        """Answer a POST.

        Raises:
            Refusal: there is no such session, or it has too many calls under way.
        """
        message, reply = self.message, self.request.reply
        assert message is not None
        initializing = message.method == "initialize"
        session = None if initializing else await self._session(required=False)
        if message.id is None or message.method is None:
            if session is not None:
                await take_word(session, message)
            await reply.finish(b"", 202)
            return
        channel = reply if session is None else SessionChannel(reply, session)
        exchange = handshake_exchange(self.request, message, channel, session)
        given = await self._answer(exchange, session)
        if given is None:
            return
        headers = await self._open(exchange) if initializing and not given.code else response_headers(given)
        await reply.finish(given.body, status_of(given, modern=False), headers)

    async def stream(self) -> None:
        """Serve a GET: the stream on which the session hears of changes.

        Raises:
            Refusal: there is no such session, or too many streams are open.
        """
        request, reply = self.request, self.request.reply
        if not accepts(request.headers, "text/event-stream"):
            raise Refusal(406, "The Accept header must name text/event-stream.")
        session = await self._session(required=True)
        assert session is not None
        last_event_id = request.headers.get("last-event-id", "") if get_settings().EVENT_LOG else ""
        if last_event_id and not last_event_id.startswith(OWN_STREAM):
            await resume(request, session, last_event_id)
            return
        listener = Listener(session.server, LIST_KINDS, await audible(session, request), session=session.id)
        with listening(listener, session.owner):
            await get_hub().joined()
            await session.open_stream(listener.token)
            primed = get_settings().EVENT_LOG and session.version >= PRIMED_SINCE
            await reply.open(OWN_STREAM + listener.token if primed else "")
            if last_event_id:
                listener.put_everything()  # nothing is kept of events: each says "fetch it again"
            request.let_go()
            with Watch(request.receive, reply, get_settings().KEEP_ALIVE_SECONDS):
                await forward_events(listener, request, "streamable-http", reply.notify)
        await reply.close()

    async def end(self) -> None:
        """Serve a DELETE: the session is over, on every worker. Raises ``Refusal`` when there is none."""
        session = await self._session(required=True)
        assert session is not None
        await end_session(session)
        await self.request.reply.finish(b"", 204)

    async def _session(self, *, required: bool) -> LiveSession | None:
        session_id = self.request.headers.get(SESSION_HEADER)
        if not required and (session_id is None or not get_settings().SESSIONS):
            return None
        session = await find_session(session_id or "", self.request.server.path, self.request.principal)
        if session is None:
            request_id = self.message.id if self.message is not None else None
            raise Refusal(404, "There is no such session: send initialize.", request_id=request_id)
        return session

    async def _answer(self, exchange: Exchange, session: LiveSession | None) -> Answer | None:
        """Answer the request; ``None`` when nobody waits for it any more.

        Raises:
            Refusal: the session has too many calls under way, or the server stops.
        """
        request = self.request
        if session is not None and get_settings().EVENT_LOG:
            await self._answer_resumably(exchange, session)
            return None
        seconds = get_settings().KEEP_ALIVE_SECONDS
        given: Answer | None = None
        with Watch(request.receive, request.reply, seconds, exchange) as watch:
            if session is None:
                given = await answer(exchange)
            else:
                given = await self._answer_counted(exchange, session, watch.call_off)
        if watch.end == "stopped":
            raise _stopping(exchange)
        if watch.end == "called off":
            await request.reply.close()
        return given if watch.end is None else None

    async def _answer_resumably(self, exchange: Exchange, session: LiveSession) -> None:
        """Answer the request, even if the client loses the connection meanwhile. Raises ``Refusal`` as ``_answer``."""
        reply, call = self.request.reply, ResumableCall(self.request, session, exchange)

        async def answer_and_send() -> None:
            given = await self._answer_counted(exchange, session, call.call_off)
            await reply.finish(given.body, status_of(given, modern=False), response_headers(given))

        if await call.run(answer_and_send()):
            raise _stopping(exchange)
        if call.task.cancelled():
            await reply.close()

    async def _answer_counted(self, exchange: Exchange, session: LiveSession, call_off: Callable[[], None]) -> Answer:
        """Answer the request as one of the session's. Raises ``Refusal`` when there are too many."""
        try:
            with get_hub().calls.running(session.id, exchange.request_id, call_off):
                return await answer(exchange)
        except AlreadyRunning:
            text = "A request of this id is under way."
            raise Refusal(400, text, request_id=exchange.request_id) from None
        except TooManyCalls:
            limit = get_settings().MAX_CALLS_PER_SESSION
            text = f"{limit} calls of this session are under way: wait for one of them."
            raise Refusal(
                429,
                text,
                code=INTERNAL_ERROR,
                request_id=exchange.request_id,
                headers=((b"retry-after", b"1"),),
                reason="too_many_calls",
            ) from None

    async def _open(self, exchange: Exchange) -> tuple[tuple[bytes, bytes], ...]:
        """Keep the client that has just shaken hands, and return the header that tells it under which name."""
        assert exchange.connection is not None
        request = self.request
        if not get_settings().SESSIONS:
            return ()
        try:
            session = await open_session(request.server.path, request.principal, exchange.connection)
        except DatabaseError:
            logger.exception("A client is served without a session: has `manage.py migrate` been run?")
            return ()
        except TooManySessions:
            text = f"{get_settings().MAX_SESSIONS} sessions are open: try again later."
            raise Refusal(
                503,
                text,
                code=INTERNAL_ERROR,
                request_id=exchange.request_id,
                headers=((b"retry-after", b"60"),),
                reason="too_many_sessions",
            ) from None
        return ((SESSION_HEADER.encode("ascii"), session.id.encode("ascii")),)


def _stopping(exchange: Exchange) -> Refusal:
    text = "The server is stopping: try again."
    return Refusal(503, text, code=INTERNAL_ERROR, request_id=exchange.request_id, reason=STOPPING)
