"""The HTTP+SSE transport (2024-11-05, basic/transports), deprecated since 2025-03-26: a GET opens a session and its
stream, and the client's messages are posted to the address that the stream names first.

All of a session runs in the process that holds its stream, in tasks of that stream; a message posted to another
process is brought there (``sessions.inboxes``). The session ends with its stream.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from urllib.parse import parse_qs, quote

from django.db import DatabaseError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, UNSUPPORTED_PROTOCOL_VERSION
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, LATEST_HANDSHAKE_VERSION

from mcp_django.conf import get_settings
from mcp_django.engine.dispatcher import Answer, answer, refusal
from mcp_django.engine.exchange import Exchange
from mcp_django.engine.observer import record_refusal
from mcp_django.engine.server import get_engine
from mcp_django.sessions.calls import AlreadyRunning, TooManyCalls
from mcp_django.sessions.connection import Connection
from mcp_django.sessions.hub import get_hub
from mcp_django.sessions.inboxes import Inbox, StreamEnded, TooManyMessages, deliver, open_inbox
from mcp_django.sessions.listeners import LIST_KINDS, Listener
from mcp_django.sessions.store import (
    LiveSession,
    TooManySessions,
    end_session,
    find_session,
    new_session_id,
    open_session,
)
from mcp_django.transports.eras import parse
from mcp_django.transports.handshake import SessionChannel
from mcp_django.transports.messages import Message, read_message
from mcp_django.transports.refusals import Refusal, accepts, check_json
from mcp_django.transports.requests import HTTPConsumer, Request, read_body
from mcp_django.transports.session import forward_events, listening, take_word
from mcp_django.transports.watch import Watch

logger = logging.getLogger(__name__)

STREAM, MESSAGES = "sse", "messages"
"""What follows the path of a server's endpoint."""


class SSEConsumer(HTTPConsumer):
    """Opens a stream, and keeps it until the client leaves."""

    transport = "sse"

    async def serve(self, request: Request) -> None:
        """Answer a GET.

        Raises:
            Refusal: too many streams or sessions are open, or the database is away.
        """
        if request.scope["method"] != "GET":
            raise Refusal(405, "Send a GET, and POST to the address that its stream names.", headers=_allow(b"GET"))
        if not accepts(request.headers, "text/event-stream"):
            raise Refusal(406, "The Accept header must name text/event-stream.")
        listener = Listener(self.server.path, LIST_KINDS, (), session=new_session_id())
        with listening(listener, request.principal.owner), open_inbox(listener.session) as inbox:
            await get_hub().joined()
            session = await _open(request, listener)
            try:
                with Watch(request.receive, request.reply, get_settings().KEEP_ALIVE_SECONDS):
                    await request.reply.event(b"endpoint", _address(request.scope["path"], session.id))
                    await SSEStream(request, session, listener, inbox).run()
            finally:
                await end_session(session)
        await request.reply.close()


class MessagesConsumer(HTTPConsumer):
    """Takes one message of a client, and leaves the answer to its stream."""

    transport = "sse"

    async def serve(self, request: Request) -> None:
        """Answer a POST.

        Raises:
            Refusal: it holds no message, its session is not there, or has too many messages waiting.
        """
        if request.scope["method"] != "POST":
            raise Refusal(405, "Send a POST.", headers=_allow(b"POST"))
        check_json(request.headers, get_settings().MAX_BODY_BYTES)
        session_id = _session_id(request.scope["query_string"])
        if await find_session(session_id, self.server.path, request.principal, "sse") is None:
            raise _no_session()
        body = await read_body(request.receive)
        parse(body)  # what is wrong with it, this answer can still say
        try:
            await deliver(session_id, body.decode())
        except StreamEnded:
            raise _no_session() from None
        except TooManyMessages:
            text = "Too many messages of this session are waiting: try again."
            later = ((b"retry-after", b"1"),)
            raise Refusal(429, text, code=INTERNAL_ERROR, headers=later, reason="too_many_messages") from None
        await request.reply.finish(b"", 202)


class SSEStream:
    """One session, while its stream is open."""

    def __init__(self, request: Request, session: LiveSession, listener: Listener, inbox: Inbox) -> None:
        self._request, self._session = request, session
        self._listener, self._inbox = listener, inbox
        self._tasks = asyncio.TaskGroup()
        self._calls: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until the session or its time ends. Calls that then still run are cancelled, and waited for."""
        async with self._tasks:
            reading = self._tasks.create_task(self._read())
            await forward_events(self._listener, self._request, "sse", self._notify)
            for task in (reading, *self._calls):
                task.cancel()

    async def _notify(self, method: str, params: dict[str, Any]) -> None:
        """Tell of a change: not before the handshake, after which the client asks for everything anyhow."""
        if self._session.version:
            await self._request.reply.notify(method, params)

    async def _read(self) -> None:
        while True:
            for body in await self._inbox.take():
                await self._take(read_message(body.encode()))

    async def _take(self, message: Message) -> None:
        if message.id is None or message.method is None:
            await take_word(self._session, message)
        elif (refused := self._refused(message, message.id)) is not None:
            self._record(message, "invalid_request")
            await self._send(refused)
        elif message.method == "initialize":  # in line: what follows may already rely on it
            await self._shake_hands(self._exchange(message, Connection(LATEST_HANDSHAKE_VERSION)))
        else:
            await self._start(self._exchange(message, self._session), message)

    def _record(self, message: Message, reason: str) -> None:
        record_refusal(
            self._session.server,
            "sse",
            reason,
            principal=self._request.principal,
            method=message.method or "",
            version=self._session.version,
            request_id=message.id,
        )

    def _refused(self, message: Message, request_id: int | str) -> Answer | None:
        """Refuse what doesn't fit the era of this transport."""
        if message.method == "initialize":
            return None
        if message.has_envelope:
            data = {"supported": list(HANDSHAKE_PROTOCOL_VERSIONS), "requested": str(message.envelope_version)}
            text = "The HTTP+SSE transport is for clients that shake hands: send initialize, without an envelope."
            return refusal(request_id, UNSUPPORTED_PROTOCOL_VERSION, text, data)
        if not self._session.version and message.method != "ping":
            return refusal(request_id, INVALID_PARAMS, "Send initialize first.")
        return None

    async def _shake_hands(self, exchange: Exchange) -> None:
        given = await answer(exchange)
        if not given.code and exchange.connection is not None:
            await self._session.shake_hands(exchange.connection)
        await self._send(given)

    async def _start(self, exchange: Exchange, message: Message) -> None:
        """Begin a call, unless the session has too many of them under way."""

        def call_off() -> None:
            exchange.cancel()
            task.cancel()

        with ExitStack() as stack:
            try:
                stack.enter_context(get_hub().calls.running(self._session.id, exchange.request_id, call_off))
            except (AlreadyRunning, TooManyCalls) as error:
                self._record(message, "too_many_calls" if isinstance(error, TooManyCalls) else "bad_request")
                await self._send(_not_now(exchange.request_id, error))
                return
            task = self._tasks.create_task(self._call(exchange))
            self._keep(task, stack.pop_all().close)

    def _keep(self, task: asyncio.Task[None], at_its_end: Callable[[], None]) -> None:
        """Keep a call's task; one that is cancelled before its first step can't say itself that it is over."""

        def ended(task: asyncio.Task[None]) -> None:
            self._calls.discard(task)
            at_its_end()

        self._calls.add(task)
        task.add_done_callback(ended)

    async def _call(self, exchange: Exchange) -> None:
        await self._send(await answer(exchange))

    async def _send(self, given: Answer) -> None:
        await self._request.reply.event(b"message", given.body)

    def _exchange(self, message: Message, connection: Connection) -> Exchange:
        assert message.id is not None
        return Exchange(
            engine=get_engine(self._request.server),
            method=message.method or "",
            params=message.params,
            request_id=message.id,
            version=connection.version or LATEST_HANDSHAKE_VERSION,
            transport="sse",
            principal=self._request.principal,
            channel=SessionChannel(self._request.reply, self._session),
            connection=connection,
            client_info=connection.client_info,
            client_capabilities=connection.client_capabilities,
            headers=self._request.headers,
            scope=self._request.scope,
        )


async def _open(request: Request, listener: Listener) -> LiveSession:
    """Keep a client that has not shaken hands yet. Raises ``Refusal`` when it can't be kept."""
    known = {"id": listener.session, "stream": listener.token, "transport": "sse"}
    try:
        return await open_session(request.server.path, request.principal, Connection(""), **known)
    except DatabaseError as error:
        logger.exception("A stream was refused: has `manage.py migrate` been run?")
        raise Refusal(503, "No session could be opened: try again later.", code=INTERNAL_ERROR) from error
    except TooManySessions:
        text = f"{get_settings().MAX_SESSIONS} sessions are open: try again later."
        later = ((b"retry-after", b"60"),)
        raise Refusal(503, text, code=INTERNAL_ERROR, headers=later, reason="too_many_sessions") from None


def _address(path: str, session_id: str) -> bytes:
    """Return where to post, beside the stream's own path: as the client wrote it, ``root_path`` included."""
    messages = path.strip("/").removesuffix(STREAM) + MESSAGES
    return f"/{quote(messages)}?session_id={session_id}".encode("ascii")


def _session_id(query: bytes) -> str:
    """Return the session that an address names. Raises ``Refusal`` unless it names one that could be."""
    try:
        (session_id,) = parse_qs(query.decode("latin-1"), max_num_fields=10)["session_id"]
    except (KeyError, ValueError):
        raise Refusal(400, "The address must name one session_id: post to the one that the stream named.") from None
    if not (session_id.isascii() and session_id.isprintable()):  # PostgreSQL takes no U+0000, not even to look for
        raise _no_session()
    return session_id


def _no_session() -> Refusal:
    return Refusal(404, "There is no such session, or its stream has ended: open another.")


def _not_now(request_id: int | str, error: AlreadyRunning | TooManyCalls) -> Answer:
    if isinstance(error, AlreadyRunning):
        return refusal(request_id, INVALID_REQUEST, "A request of this id is under way.")
    limit = get_settings().MAX_CALLS_PER_SESSION
    return refusal(request_id, INTERNAL_ERROR, f"{limit} calls of this session are under way: wait for one of them.")


def _allow(method: bytes) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"allow", method),)
