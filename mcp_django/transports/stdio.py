"""The stdio transport: one JSON-RPC message a line, for one client (specification, basic/transports, stdio).

The wire gets private copies of descriptors 0 and 1; while it is served, 0 reads nothing and 1 leads to stderr, so that
a ``print()`` in a tool, or in a process that it starts, never corrupts the stream.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex
from threading import BoundedSemaphore, Thread
from typing import Any, BinaryIO

from mcp.shared.inbound import InboundLadderRejection, classify_inbound_request
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, UNSUPPORTED_PROTOCOL_VERSION
from mcp_types.version import LATEST_HANDSHAKE_VERSION, MODERN_PROTOCOL_VERSIONS

from mcp_django.auth import Principal
from mcp_django.conf import get_settings
from mcp_django.engine.dispatcher import Answer, answer, refusal
from mcp_django.engine.encoding import encode
from mcp_django.engine.exchange import Exchange, NoWay
from mcp_django.engine.observer import record_refusal
from mcp_django.engine.server import get_engine
from mcp_django.engine.subscriptions import forward
from mcp_django.registry import MCPServer
from mcp_django.sessions.connection import Connection
from mcp_django.sessions.hub import close_hub, get_hub
from mcp_django.sessions.listeners import LIST_KINDS, Listener
from mcp_django.transports.messages import BadMessage, Message, read_message

logger = logging.getLogger(__name__)

READ_AHEAD = 64
"""Most lines that wait to be looked at before the next one is read."""

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
        self._reader, self._writer = reader, writer
        self._connection: PipeConnection | None = None
        self._listening: asyncio.Task[None] | None = None
        self._questions: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._modern: bool | None = None
        self._calls: dict[int | str, tuple[asyncio.Task[None], Exchange]] = {}
        self._room = BoundedSemaphore(READ_AHEAD)
        self._writing = asyncio.Lock()

    async def run(self) -> None:
        """Serve until the client closes its end, then let running calls finish for a moment."""
        lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        Thread(target=self._read, args=(asyncio.get_running_loop(), lines), name="mcp-stdin", daemon=True).start()
        try:
            while (line := await lines.get()) is not None:
                try:
                    await self._take(line)
                finally:
                    self._room.release()
            self._client_is_gone()
            if self._calls:
                await asyncio.wait([task for task, _ in self._calls.values()], timeout=GRACE_SECONDS)
        finally:
            tasks = [task for task, _ in self._calls.values()] + ([self._listening] if self._listening else [])
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await close_hub()

    def _client_is_gone(self) -> None:
        """End what only waits for the client."""
        get_hub().listeners.end_all()
        for answered in self._questions.values():
            if not answered.done():
                answered.set_exception(NoWay("The client is gone."))

    async def notify(self, method: str, params: dict[str, Any]) -> None:
        """Send a notification."""
        await self._write(encode({"jsonrpc": "2.0", "method": method, "params": params}))

    async def hang_up(self, retry_seconds: float) -> None:
        """Do nothing: a pipe can't be opened again."""

    async def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Send a request to the client, and wait for its response."""
        question_id = f"mcp-{len(self._questions)}-{token_hex(4)}"
        answered: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._questions[question_id] = answered
        try:
            await self._write(encode({"jsonrpc": "2.0", "id": question_id, "method": method, "params": params}))
            return await answered
        finally:
            del self._questions[question_id]

    def _read(self, loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[bytes | None]) -> None:
        """Read lines in a thread of its own, so that pipes, files and terminals all do."""
        limit = get_settings().MAX_BODY_BYTES
        try:
            while line := self._reader.readline(limit + 1):
                if len(line) > limit and not line.endswith(b"\n"):
                    while (rest := self._reader.readline(limit)) and not rest.endswith(b"\n"):
                        pass  # the rest of a line that is refused anyway
                self._room.acquire()
                if not _hand_over(loop, lines, line):
                    return
        except (OSError, ValueError) as error:
            logger.warning("Reading stopped: %s", error)
        _hand_over(loop, lines, None)

    async def _take(self, line: bytes) -> None:
        if not line.strip():
            return
        limit = get_settings().MAX_BODY_BYTES
        if len(line.rstrip(b"\r\n")) > limit:
            await self._write(refusal(None, INVALID_REQUEST, f"The message is larger than {limit} bytes.").body)
            return
        try:
            message = read_message(line)
        except BadMessage as error:
            await self._write(refusal(None, error.code, str(error)).body)
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
            await self._write(found.body)
        elif message.method == "initialize":  # in line: what follows may already rely on it
            given = await answer(found)
            if not given.code and isinstance(found.connection, PipeConnection):
                self._connect(found.connection)
            await self._write(given.body)
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
        await self._write((await answer(exchange)).body)

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
        route = classify_inbound_request(message.raw)
        if isinstance(route, InboundLadderRejection):
            return refusal(request_id, route.code, route.message, route.data)
        version, info, capabilities = route.protocol_version, route.client_info, route.client_capabilities
        return self._exchange_in(message, request_id, version, info, capabilities, None)

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

    async def _write(self, message: bytes) -> None:
        """Write one line in a thread: a client that doesn't read must not stop the loop."""
        async with self._writing:
            await asyncio.get_running_loop().run_in_executor(None, self._write_all, message + b"\n")

    def _write_all(self, line: bytes) -> None:
        try:
            self._writer.write(line)
            self._writer.flush()
        except (BrokenPipeError, ValueError):
            logger.debug("The client is gone; its answer is dropped.")


def _hand_over(loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[bytes | None], line: bytes | None) -> bool:
    try:
        loop.call_soon_threadsafe(lines.put_nowait, line)
    except RuntimeError:  # the loop is closed: serving is over
        return False
    return True


@contextmanager
def claimed_stdio() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Take descriptors 0 and 1 for the wire, and give them back at the end."""
    sys.stdout.flush()
    wire_in, wire_out = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    reader = os.fdopen(wire_in, "rb", closefd=False)  # a thread may still be reading when we are done
    writer = os.fdopen(wire_out, "wb", closefd=False)
    try:
        yield reader, writer
    finally:
        sys.stdout.flush()  # what was printed goes where it was printed to
        os.dup2(wire_in, 0)
        os.dup2(wire_out, 1)


def serve_stdio(server: MCPServer, principal: Principal) -> None:
    """Serve a client over this process's stdin and stdout until it closes its end."""
    with claimed_stdio() as (reader, writer):
        asyncio.run(StdioServer(server, principal, reader, writer).run())
