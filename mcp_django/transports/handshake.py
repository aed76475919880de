"""Streamable HTTP for clients that shake hands (2025-03-26 to 2025-11-25): sessions, their stream, and their end.

A client that has no session is served all the same; it only can't be asked anything, and hears of no changes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError
from mcp_types import INTERNAL_ERROR
from mcp_types.version import LATEST_HANDSHAKE_VERSION

from mcp_django.auth.bearer import renewed
from mcp_django.auth.credentials import seconds_left
from mcp_django.conf import get_settings
from mcp_django.engine.access import audible_uris
from mcp_django.engine.dispatcher import Answer, answer, status_of
from mcp_django.engine.exchange import Exchange, NoWay
from mcp_django.engine.server import get_engine
from mcp_django.engine.subscriptions import BREATH_SECONDS, TooManyStreams, claim_stream
from mcp_django.sessions.calls import AlreadyRunning, TooManyCalls, cancel_call, get_calls
from mcp_django.sessions.connection import Connection
from mcp_django.sessions.events import Event
from mcp_django.sessions.hub import get_hub
from mcp_django.sessions.listeners import LIST_KINDS, Listener
from mcp_django.sessions.questions import SessionEnded, ask, take_answer
from mcp_django.sessions.store import LiveSession, TooManySessions, end_session, find_session, open_session
from mcp_django.transports.refusals import Refusal, accepts
from mcp_django.transports.reply import Reply
from mcp_django.transports.watch import Watch

if TYPE_CHECKING:
    from mcp_django.transports.messages import Message
    from mcp_django.transports.streamable_http import Request

logger = logging.getLogger(__name__)

SESSION_HEADER = "mcp-session-id"

ASSUMED_VERSION = "2025-03-26"
"""The revision of a client that names none (2025-11-25, basic/transports, Protocol Version Header)."""

LOOK_SECONDS = 30
"""How often an open stream looks whether its session is still there, and says that its client is."""


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
            await self._take(session)
            await reply.finish(b"", 202)
            return
        exchange = self._exchange(session, initializing=initializing)
        given = await self._answer(exchange, session)
        if given is None:
            return
        headers = await self._open(exchange) if initializing and not given.code else given.headers
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
        listener = Listener(session.server, LIST_KINDS, await self._audible(session), session=session.id)
        with self._listening(listener, session.owner):
            await get_hub().joined()
            await session.open_stream(listener.token)
            await reply.open()
            with Watch(request.receive, reply, get_settings().KEEP_ALIVE_SECONDS):
                await self._forward(listener)
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

    async def _take(self, session: LiveSession | None) -> None:
        """Act on a notification, or on the answer to a question of ours."""
        message = self.message
        if session is None or message is None:
            return
        if message.method is None:
            await take_answer(session, message.id, dict(message.raw))
        elif message.method == "notifications/cancelled" and message.params:
            request_id: Any = message.params.get("requestId")
            if type(request_id) in (int, str):
                cancel_call(session.id, request_id)

    def _exchange(self, session: LiveSession | None, *, initializing: bool) -> Exchange:
        request, message = self.request, self.message
        assert message is not None
        assert message.id is not None
        version = request.headers.get("mcp-protocol-version", ASSUMED_VERSION)
        connection: Connection | None = session
        if initializing:
            connection = Connection(LATEST_HANDSHAKE_VERSION)  # the handlers negotiate; all handshakes have one form
        return Exchange(
            engine=get_engine(request.server),
            method=message.method or "",
            params=message.params,
            request_id=message.id,
            version=connection.version if connection is not None else version,
            transport="streamable-http",
            principal=request.principal,
            channel=request.reply if session is None else SessionChannel(request.reply, session),
            connection=connection,
            client_info=connection.client_info if connection is not None else None,
            client_capabilities=connection.client_capabilities if connection is not None else None,
            headers=request.headers,
            scope=request.scope,
        )

    async def _answer(self, exchange: Exchange, session: LiveSession | None) -> Answer | None:
        """Answer the request; ``None`` when nobody waits for it any more.

        Raises:
            Refusal: the session has too many calls under way, or the server stops.
        """
        request = self.request
        seconds = get_settings().KEEP_ALIVE_SECONDS
        given: Answer | None = None
        with Watch(request.receive, request.reply, seconds, before_cancel=exchange.cancel) as watch:
            if session is None:
                given = await answer(exchange)
            else:
                with self._running(session, exchange, watch):
                    given = await answer(exchange)
        if watch.stopped:
            raise Refusal(
                503, "The server is stopping: try again.", code=INTERNAL_ERROR, request_id=exchange.request_id
            )
        if watch.called_off:
            await request.reply.close()
        return None if watch.left or watch.called_off else given

    @contextmanager
    def _running(self, session: LiveSession, exchange: Exchange, watch: Watch) -> Iterator[None]:
        try:
            with get_calls().running(session.id, exchange.request_id, watch.call_off):
                yield
        except AlreadyRunning:
            text = "A request of this id is under way."
            raise Refusal(400, text, request_id=exchange.request_id) from None
        except TooManyCalls:
            limit = get_settings().MAX_CALLS_PER_SESSION
            text = f"{limit} calls of this session are under way: wait for one of them."
            raise Refusal(
                429, text, code=INTERNAL_ERROR, request_id=exchange.request_id, headers=((b"retry-after", b"1"),)
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
                503, text, code=INTERNAL_ERROR, request_id=exchange.request_id, headers=((b"retry-after", b"60"),)
            ) from None
        return ((SESSION_HEADER.encode("ascii"), session.id.encode("ascii")),)

    @contextmanager
    def _listening(self, listener: Listener, owner: tuple[str, str]) -> Iterator[None]:
        try:
            claim_stream(listener, owner)
        except TooManyStreams as error:
            raise Refusal(
                error.http_status, error.message, code=error.code, headers=((b"retry-after", b"30"),)
            ) from error
        try:
            yield
        finally:
            get_hub().listeners.remove(listener)

    async def _forward(self, listener: Listener) -> None:
        """Send the session's events, and look now and then whether it is still there."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds_left(self.request.principal, get_settings().STREAM_SECONDS)
        due = loop.time() + LOOK_SECONDS
        while not listener.ended and loop.time() < until:
            try:
                async with asyncio.timeout_at(min(due, until)):
                    events = await listener.take()
            except TimeoutError:
                events = []
            if loop.time() >= due:
                listener.stale, due = True, loop.time() + LOOK_SECONDS
            if listener.stale and not await self._look(listener):
                return
            for event in events:
                await self.request.reply.notify(event.method, event.params())
            await asyncio.sleep(BREATH_SECONDS)

    async def _audible(self, session: LiveSession) -> set[str]:
        """Return those of a session's subscriptions of which its client may hear."""
        request = self.request
        exchange = Exchange(
            engine=get_engine(request.server),
            method="resources/subscribe",
            params=None,
            request_id=0,
            version=session.version,
            transport="streamable-http",
            principal=request.principal,
        )
        return set(await audible_uris(session.subscriptions, exchange, step_up=False))

    async def _look(self, listener: Listener) -> bool:
        """Read the session anew, and say whether it is still there."""
        listener.stale = False
        request = self.request
        principal = await renewed(request.principal)
        if principal is None:
            return False
        request.principal = principal
        session = await find_session(listener.session, request.server.path, principal)
        if session is None or session.stream != listener.token:
            return False
        audible = await self._audible(session)
        added = audible - listener.uris
        get_hub().listeners.resubscribe(listener, audible)
        for uri in added:  # what happened since the client subscribed, at another worker, was not heard here
            listener.put(Event(listener.server, "resource", uri))
        return True
