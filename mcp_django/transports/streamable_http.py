"""The streamable HTTP transport: one endpoint, both eras of the protocol (specification, basic/transports)."""

from __future__ import annotations

from mcp_types import INTERNAL_ERROR
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from mcp_django.conf import get_settings
from mcp_django.engine.dispatcher import answer
from mcp_django.transports.eras import VERSION_HEADER, is_handshake, modern_exchange, parse, response_headers, status_of
from mcp_django.transports.handshake import HandshakeRequest
from mcp_django.transports.refusals import STOPPING, Refusal, check_post
from mcp_django.transports.requests import HTTPConsumer, Request, read_body
from mcp_django.transports.watch import Watch


class StreamableHTTPConsumer(HTTPConsumer):
    """One request to the endpoint of a server."""

    async def serve(self, request: Request) -> None:
        """Answer a POST, in whichever era it is, or open or end a session's stream."""
        if request.scope["method"] != "POST":
            await _other(request, request.scope["method"])
            return
        check_post(request.scope, request.headers, get_settings().MAX_BODY_BYTES)
        message = parse(await read_body(request.receive))
        if is_handshake(request, message):
            await HandshakeRequest(request, message).serve()
            return
        exchange = modern_exchange(request, message, request.reply)
        receive, reply = request.receive, request.reply
        del message, request  # a stream stays open for hours, and holds as little as it can
        if exchange is None:
            await reply.finish(b"", 202)
            return
        with Watch(receive, reply, get_settings().KEEP_ALIVE_SECONDS, exchange) as watch:
            given = await answer(exchange)
        if watch.end == "left":
            return
        if watch.end == "stopped":
            text = "The server is stopping: try again."
            raise Refusal(503, text, code=INTERNAL_ERROR, request_id=exchange.request_id, reason=STOPPING)
        if given.code:
            await reply.finish(given.body, status_of(given, modern=True), response_headers(given))
        else:
            await reply.finish(given.body, 200)


async def _other(request: Request, method: str) -> None:
    """Serve the stream of a session, or its end; 2026-07-28 has neither."""
    version = request.headers.get(VERSION_HEADER)
    handshake = version is None or version in HANDSHAKE_PROTOCOL_VERSIONS
    session = "mcp-session-id" in request.headers and get_settings().SESSIONS
    if method not in ("GET", "DELETE") or not handshake or not session:
        raise Refusal(405, "Send a POST.", headers=((b"allow", b"POST"),))
    handshake_request = HandshakeRequest(request, None)
    await (handshake_request.stream() if method == "GET" else handshake_request.end())
