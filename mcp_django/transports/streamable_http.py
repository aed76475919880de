"""The streamable HTTP transport: one endpoint, both eras of the protocol (specification, basic/transports)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from channels.consumer import AsyncConsumer
from mcp.shared.inbound import (
    ERROR_CODE_HTTP_STATUS,
    NAME_BEARING_METHODS,
    InboundLadderRejection,
    InboundModernRoute,
    classify_inbound_request,
    unsupported_protocol_version_rejection,
)
from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    INTERNAL_ERROR,
    INVALID_REQUEST,
    PROTOCOL_VERSION_META_KEY,
)
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from mcp_django.auth import Principal
from mcp_django.conf import get_settings
from mcp_django.engine.dispatcher import answer, refusal, status_of
from mcp_django.engine.exchange import MODERN, Exchange
from mcp_django.engine.server import get_engine
from mcp_django.registry import MCPServer
from mcp_django.transports.cors import for_pages, preflight
from mcp_django.transports.handshake import HandshakeRequest
from mcp_django.transports.messages import BadMessage, Message, read_message
from mcp_django.transports.principals import principal_of
from mcp_django.transports.refusals import (
    Headers,
    Refusal,
    check_doubled,
    check_host,
    check_origin,
    check_post,
    read_headers,
    too_large,
)
from mcp_django.transports.reply import Reply
from mcp_django.transports.watch import Receive, Stopping, Watch, interruptible

logger = logging.getLogger(__name__)

VERSION_HEADER = "mcp-protocol-version"


class ClientLeft(Exception):
    """The client went away before its request was complete."""


@dataclass(slots=True)
class Request:
    """One HTTP request, with what its checks have found out."""

    server: MCPServer
    scope: Mapping[str, Any]
    receive: Receive
    reply: Reply
    headers: Headers
    doubled: str | None
    principal: Principal


class StreamableHTTPConsumer(AsyncConsumer):
    """One HTTP request to an MCP endpoint.

    It owns its ASGI triple: Channels' own dispatch would add a task, a channel and a thread hop to every request.
    """

    def __init__(self, server: MCPServer) -> None:
        self.server = server

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        reply = Reply(for_pages(scope, send))
        try:
            headers, doubled = read_headers(scope)
            check_host(scope, headers)
            check_origin(scope, headers)
            if (allowed := preflight(scope, headers)) is not None:
                await reply.finish(b"", 204, allowed)
                return
            principal = await principal_of(self.server, scope, headers)
            request = Request(self.server, scope, receive, reply, headers, doubled, principal)
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
    message = _parse(body)
    if _is_handshake(request, message):
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


def _is_handshake(request: Request, message: Message) -> bool:
    """Whether the message belongs to a revision before 2026-07-28: by its header, and by the envelope it has or not."""
    version = request.headers.get(VERSION_HEADER)
    if version is not None and version not in HANDSHAKE_PROTOCOL_VERSIONS:
        return False
    return not message.has_envelope or message.envelope_version == version or message.method == "initialize"


async def _serve_modern(request: Request, message: Message) -> None:
    exchange = _modern_exchange(request, message)
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
    wait = ((b"retry-after", b"30"),) if given.http_status in (429, 503) and not given.headers else ()
    await reply.finish(given.body, status_of(given, modern=True), (*wait, *given.headers))


def _modern_exchange(request: Request, message: Message) -> Exchange | None:
    """Return what to answer; ``None`` when the message wants no answer.

    Raises:
        Refusal: it can't be served in the revision that it claims.
    """
    if message.method is None:
        raise Refusal(400, "Clients send requests and notifications, and no responses.", code=INVALID_REQUEST)
    if message.id is None:
        rejected = unsupported_protocol_version_rejection(request.headers.get(VERSION_HEADER, ""))
        if rejected is not None:
            raise _rejection(rejected, None)
        return None
    check_doubled(request.doubled, message.id)
    route = _plain_route(message, request.headers) or classify_inbound_request(message.raw, headers=request.headers)
    if isinstance(route, InboundLadderRejection):
        raise _rejection(route, message.id)
    return Exchange(
        engine=get_engine(request.server),
        method=message.method,
        params=message.params,
        request_id=message.id,
        version=route.protocol_version,
        transport="streamable-http",
        principal=request.principal,
        channel=request.reply,
        client_info=route.client_info,
        client_capabilities=route.client_capabilities,
        headers=request.headers,
        scope=request.scope,
    )


def _plain_route(message: Message, headers: Headers) -> InboundModernRoute | None:
    """Recognise a request of which all agrees, in a few comparisons. ``None``: let the SDK judge."""
    params, method = message.params or {}, message.method or ""
    meta, name_key = params.get("_meta"), NAME_BEARING_METHODS.get(method)
    if not isinstance(meta, dict) or CLIENT_CAPABILITIES_META_KEY not in meta:
        return None
    if meta.get(PROTOCOL_VERSION_META_KEY) != MODERN or headers.get(VERSION_HEADER) != MODERN:
        return None
    if headers.get("mcp-method") != method:
        return None
    if name_key is not None:
        name = params.get(name_key)
        if not isinstance(name, str) or name.startswith("=?") or headers.get("mcp-name") != name:
            return None
    return InboundModernRoute(MODERN, meta.get(CLIENT_INFO_META_KEY), meta[CLIENT_CAPABILITIES_META_KEY])


def _rejection(route: InboundLadderRejection, request_id: int | str | None) -> Refusal:
    status = ERROR_CODE_HTTP_STATUS.get(route.code, 400)
    return Refusal(status, route.message, code=route.code, data=route.data, request_id=request_id)


def _parse(body: bytes) -> Message:
    try:
        return read_message(body)
    except BadMessage as error:
        raise Refusal(400, str(error), code=error.code) from error


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
