"""The stdio transport: one JSON-RPC message a line, for one client (specification, basic/transports, stdio).

The wire gets private copies of descriptors 0 and 1; while it is served, 0 reads nothing and 1 leads to stderr, so that
a ``print()`` in a tool, or in a process that it starts, never corrupts the stream.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from secrets import token_hex
from typing import Any, BinaryIO

from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    PROTOCOL_VERSION_META_KEY,
    UNSUPPORTED_PROTOCOL_VERSION,
)
from mcp_types.version import LATEST_HANDSHAKE_VERSION, MODERN_PROTOCOL_VERSIONS

from mcp_django.activity import flush
from mcp_django.auth import Principal
from mcp_django.conf import get_settings
from mcp_django.engine.dispatcher import Answer, answer, refusal
from mcp_django.engine.encoding import encode
from mcp_django.engine.exchange import MODERN, Exchange, NoWay
from mcp_django.engine.observer import record_refusal
from mcp_django.engine.server import get_engine
from mcp_django.engine.subscriptions import forward
from mcp_django.registry import MCPServer
from mcp_django.sessions.connection import Connection
from mcp_django.sessions.hub import close_hub, get_hub
from mcp_django.sessions.listeners import LIST_KINDS, Listener
from mcp_django.transports.messages import BadMessage, Message, read_message
from mcp_django.transports.pipes import LineReader, LineWriter, claimed_stdio

MAX_CALLS = 256
"""Most calls that run at a time; a further one is refused, so that the client's cancellations are still heard."""

GRACE_SECONDS = 5
"""After the client closes its end, running calls may go on for this long."""


class PipeConnection(Connection):
    """A handshake client at the other end of a pipe: it is remembered as long as the pipe is there."""

    listener: Listener | None = None

    async def subscribe(self, uri: str) -> None:
        """Listen to a resource from now on."""
        self.subscriptions.add(uri)
        self._listen()

    async def unsubscribe(self, uri: str) -> None:
        """Listen to it no more."""
        self.subscriptions.discard(uri)
        self._listen()

    def _listen(self) -> None:
        if self.listener is not None:
            get_hub().listeners.resubscribe(self.listener, self.subscriptions)


class StdioServer:
    """Serves one client over a pair of files.

    The first request settles the era: an envelope in ``_meta`` is 2026-07-28, anything else shakes hands.
    """

    def __init__(self, server: MCPServer, principal: Principal, reader: BinaryIO, writer: BinaryIO) -> None:
        self._server, self._principal = server, principal
        self._reader, self._writer = LineReader(reader, get_settings().MAX_BODY_BYTES), LineWriter(writer)
        self._connection: PipeConnection | None = None
        self._listening: asyncio.Task[None] | None = None
        self._questions: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._modern: bool | None = None
        self._calls: dict[int | str, tuple[asyncio.Task[None], Exchange]] = {}

    async def run(self) -> None:
        """Serve until the client closes its end, then let running calls finish for a moment."""
        self._reader.start()
        try:
            while (line := await self._reader.next()) is not None:
                await self._take(line)
            self._client_is_gone()
            if self._calls:
                await asyncio.wait([task for task, _ in self._calls.values()], timeout=GRACE_SECONDS)
        finally:
            tasks = [task for task, _ in self._calls.values()] + ([self._listening] if self._listening else [])
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await close_hub()
            self._reader.stop()
            self._writer.close()

    def _client_is_gone(self) -> None:
        """End what only waits for the client."""
        get_hub().listeners.end_all()
        for answered in self._questions.values():
            if not answered.done():
                answered.set_exception(NoWay("The client is gone."))

    async def notify(self, method: str, params: dict[str, Any]) -> None:
        """Send a notification."""
        await self._say(encode({"jsonrpc": "2.0", "method": method, "params": params}))

    async def hang_up(self, retry_seconds: float) -> None:
        """Do nothing: a pipe can't be opened again."""

    async def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Send a request to the client, and wait for its response."""
        question_id = f"mcp-{len(self._questions)}-{token_hex(4)}"
        answered: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._questions[question_id] = answered
        try:
            await self._say(encode({"jsonrpc": "2.0", "id": question_id, "method": method, "params": params}))
            return await answered
        finally:
            del self._questions[question_id]

    async def _take(self, line: bytes) -> None:
        if not line.strip():
            return
        limit = get_settings().MAX_BODY_BYTES
        if len(line.rstrip(b"\r")) > limit:
            await self._say(refusal(None, INVALID_REQUEST, f"The message is larger than {limit} bytes.").body)
            return
        try:
            message = read_message(line)
        except BadMessage as error:
            await self._say(refusal(None, error.code, str(error)).body)
            return
        if message.method is None:
            answered = self._questions.get(str(message.id))
            if answered is not None and not answered.done():
                answered.set_result(dict(message.raw))
            return
        if message.id is None:
            self._notified(message)
        else:
            await self._start(message, message.id)

    def _notified(self, message: Message) -> None:
        """Cancel what the client wants cancelled; nothing else that it may tell us needs us to act."""
        if message.method == "notifications/cancelled" and message.params:
            request_id: Any = message.params.get("requestId")
            if type(request_id) in (int, str) and request_id in self._calls:
                task, exchange = self._calls[request_id]
                exchange.cancel()  # first: what runs in a thread may miss the task's
                task.cancel()

    async def _start(self, message: Message, request_id: int | str) -> None:
        found = self._exchange(message, request_id)
        if isinstance(found, Answer):
            reason = "too_many_calls" if found.code == INTERNAL_ERROR else "invalid_request"
            record_refusal(self._server.path, "stdio", reason, principal=self._principal, request_id=request_id)
            await self._say(found.body)
        elif message.method == "initialize":  # in line: what follows may already rely on it
            given = await answer(found)
            if not given.code and isinstance(found.connection, PipeConnection):
                self._connect(found.connection)
            await self._say(given.body)
        elif message.method == "ping":
            await self._call(found)
        else:
            task = asyncio.get_running_loop().create_task(self._call(found))
            self._calls[request_id] = task, found
            task.add_done_callback(lambda _: self._calls.pop(request_id, None))

    def _connect(self, connection: PipeConnection) -> None:
        """Remember the client that has shaken hands, and let it hear of changes."""
        if self._connection is not None and self._connection.listener is not None:
            get_hub().listeners.remove(self._connection.listener)
        self._connection = connection
        listener = connection.listener = Listener(self._server.path, LIST_KINDS, ())
        get_hub().listeners.add(listener)
        if self._listening is not None:
            self._listening.cancel()
        self._listening = asyncio.get_running_loop().create_task(forward(listener, self.notify))

    async def _call(self, exchange: Exchange) -> None:
        await self._say((await answer(exchange)).body)

    async def _say(self, message: bytes) -> None:
        await self._writer.write(message + b"\n")

    def _exchange(self, message: Message, request_id: int | str) -> Exchange | Answer:
        """Return what to answer, or the refusal of a request that comes too soon, or doesn't fit the era."""
        if request_id in self._calls:
            return refusal(request_id, INVALID_REQUEST, "A request of this id is under way.")
        if len(self._calls) >= MAX_CALLS and message.method != "ping":
            return refusal(request_id, INTERNAL_ERROR, f"{MAX_CALLS} calls are under way: wait.")
        if self._modern is None:
            self._modern = message.has_envelope and message.method != "initialize"
        if self._modern:
            return self._modern_exchange(message, request_id)
        if message.has_envelope and message.method != "initialize":
            text = "This connection shook hands: requests with an envelope are not accepted on it."
            return refusal(request_id, INVALID_REQUEST, text)
        if self._connection is None and message.method not in ("initialize", "ping"):
            return refusal(request_id, INVALID_PARAMS, "Send initialize first.")
        known = self._connection or PipeConnection(LATEST_HANDSHAKE_VERSION)
        info, capabilities = known.client_info, known.client_capabilities
        return self._exchange_in(message, request_id, known.version, info, capabilities, known)

    def _modern_exchange(self, message: Message, request_id: int | str) -> Exchange | Answer:
        if message.method == "initialize":
            requested = str((message.params or {}).get("protocolVersion"))
            data = {"supported": list(MODERN_PROTOCOL_VERSIONS), "requested": requested}
            text = "This connection serves 2026-07-28, which has no handshake."
            return refusal(request_id, UNSUPPORTED_PROTOCOL_VERSION, text, data)
        envelope = message.envelope
        if envelope.get(PROTOCOL_VERSION_META_KEY) != MODERN or CLIENT_CAPABILITIES_META_KEY not in envelope:
            from mcp.shared.inbound import InboundLadderRejection, classify_inbound_request

            route = classify_inbound_request(message.raw)
            if isinstance(route, InboundLadderRejection):
                return refusal(request_id, route.code, route.message, route.data)
        version, info = envelope[PROTOCOL_VERSION_META_KEY], envelope.get(CLIENT_INFO_META_KEY)
        return self._exchange_in(message, request_id, version, info, envelope[CLIENT_CAPABILITIES_META_KEY], None)

    def _exchange_in(
        self, message: Message, request_id: int | str, version: str, info: Any, capabilities: Any, connection: Any
    ) -> Exchange:
        return Exchange(
            engine=get_engine(self._server),
            method=message.method or "",
            params=message.params,
            request_id=request_id,
            version=version,
            transport="stdio",
            principal=self._principal,
            channel=self,
            connection=connection,
            client_info=info,
            client_capabilities=capabilities,
        )


def serve_stdio(server: MCPServer, principal: Principal) -> None:
    """Serve a client over this process's stdin and stdout until it closes its end, or SIGTERM comes.

    A client sends SIGTERM when it has closed its end and the process is still there (specification, basic/lifecycle,
    Shutdown). Running calls are cancelled then, what has been recorded is written, and the signal ends the process.
    """
    with claimed_stdio() as (reader, writer), suppress(asyncio.CancelledError):
        asyncio.run(_run_until_sigterm(StdioServer(server, principal, reader, writer)))
        return
    flush()
    signal.raise_signal(signal.SIGTERM)  # to return would wait for a thread that writes to a client which doesn't read


async def _run_until_sigterm(served: StdioServer) -> None:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def stop() -> None:
        loop.remove_signal_handler(signal.SIGTERM)
        if task is not None:
            task.cancel()

    with suppress(NotImplementedError, RuntimeError):  # Windows has no such signal, and only the main thread hears it
        loop.add_signal_handler(signal.SIGTERM, stop)
    await served.run()
