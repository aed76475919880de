"""The streamable HTTP transport: one endpoint, both eras of the protocol (specification, basic/transports)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from channels.consumer import AsyncConsumer
from mcp_types import INTERNAL_ERROR
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from mcp_django.conf import get_settings
from mcp_django.engine.dispatcher import answer, refusal, status_of
from mcp_django.registry import MCPServer
from mcp_django.transports.eras import (
    VERSION_HEADER,
    HTTPRequest,
    is_handshake,
    modern_exchange,
    parse,
    retry_after,
)
from mcp_django.transports.handshake import HandshakeRequest
from mcp_django.transports.messages import Message
from mcp_django.transports.refusals import Refusal, check_host, check_origin, check_post, read_headers, too_large
from mcp_django.transports.reply import Reply
from mcp_django.transports.watch import Receive, Stopping, Watch, interruptible

logger = logging.getLogger(__name__)


class ClientLeft(Exception):
    """The client went away before its request was complete."""


@dataclass(slots=True, kw_only=True)
class Request(HTTPRequest):
    """One HTTP request, and the connection that it came on."""

    receive: Receive
    reply: Reply


class StreamableHTTPConsumer(AsyncConsumer):
    """One HTTP request to an MCP endpoint.

    It owns its ASGI triple: Channels' own dispatch would add a task, a channel and a thread hop to every request.
    """

    def __init__(self, server: MCPServer) -> None:
        self.server = server

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        reply = Reply(send)
        try:
            headers, doubled = read_headers(scope)
            check_host(scope, headers)
            check_origin(scope, headers)
            request = Request(
                server=self.server, scope=scope, headers=headers, doubled=doubled, receive=receive, reply=reply
            )
            if scope["method"] == "POST":
                await _post(request)
            else:
                await _other(request, scope["method"])
        except Refusal as error:
            body = refusal(error.request_id, error.code, str(error), error.data).body
            await reply.finish(body, error.status, error.headers)
        except ClientLeft:
            return
        except Exception:
            logger.exception("Serving a request to %r failed.", self.server)
            await reply.finish(refusal(None, INTERNAL_ERROR, "Internal server error").body, 500)


async def _post(request: Request) -> None:
    check_post(request.scope, request.headers, get_settings().MAX_BODY_BYTES)
    try:
        with interruptible():
            body = await _read_body(request.receive)
    except Stopping:
        raise Refusal(503, "The server is stopping: try again.", code=INTERNAL_ERROR) from None
    message = parse(body)
    if is_handshake(request, message):
        await HandshakeRequest(request, message).serve()
    else:
        await _serve_modern(request, message)


async def _other(request: Request, method: str) -> None:
    """Serve the stream of a session, or its end; 2026-07-28 has neither."""
    version = request.headers.get(VERSION_HEADER)
    handshake = version is None or version in HANDSHAKE_PROTOCOL_VERSIONS
    session = "mcp-session-id" in request.headers and get_settings().SESSIONS
    if method not in ("GET", "DELETE") or not handshake or not session:
        raise Refusal(405, "Send a POST.", headers=((b"allow", b"POST"),))
    handshake_request = HandshakeRequest(request, None)
    await (handshake_request.stream() if method == "GET" else handshake_request.end())


async def _serve_modern(request: Request, message: Message) -> None:
    exchange = modern_exchange(request, message, request.reply)
    if exchange is None:
        await request.reply.finish(b"", 202)
        return
    reply, seconds = request.reply, get_settings().KEEP_ALIVE_SECONDS
    with Watch(request.receive, reply, seconds, before_cancel=exchange.cancel) as watch:
        given = await answer(exchange)
    if watch.left:
        return
    if watch.stopped:
        raise Refusal(503, "The server is stopping: try again.", code=INTERNAL_ERROR, request_id=exchange.request_id)
    await reply.finish(given.body, status_of(given, modern=True), retry_after(given))


async def _read_body(receive: Receive) -> bytes:
    """Read the whole body.

    Raises:
        Refusal: it is too large.
        ClientLeft: it never came to its end.
    """
    chunks, size, limit = [], 0, get_settings().MAX_BODY_BYTES
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise ClientLeft
        chunk = event.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        chunks.append(chunk)
        if not event.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)
