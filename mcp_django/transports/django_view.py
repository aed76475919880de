"""The endpoint as a plain Django view, for servers that speak WSGI: one POST, one JSON body.

It answers as ``streamable_http`` does to a client without a session, except that nothing can be said before the answer:
no progress, no log messages, no keep-alive, no stream to listen to, no questions but those of 2026-07-28, which are the
answer.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from concurrent.futures import CancelledError
from typing import Any

from django.http import HttpRequest, HttpResponse
from mcp_types import INTERNAL_ERROR

from mcp_django.auth import ANONYMOUS
from mcp_django.conf import get_settings
from mcp_django.engine.dispatcher import answer, refusal
from mcp_django.engine.observer import record_refusal
from mcp_django.registry import MCPServer
from mcp_django.transports.eras import (
    HTTPRequest,
    handshake_exchange,
    is_handshake,
    modern_exchange,
    parse,
    response_headers,
    status_of,
)
from mcp_django.transports.loop import run
from mcp_django.transports.principals import principal_of
from mcp_django.transports.refusals import (
    Headers,
    Refusal,
    check_host,
    check_origin,
    check_post,
    read_headers,
    too_large,
)
from mcp_django.transports.scopes import scope_of

logger = logging.getLogger(__name__)

Lines = Iterable[tuple[bytes, bytes]]


def serve(request: HttpRequest, server: MCPServer) -> HttpResponse:
    """Answer one HTTP request to a server's endpoint. Never raises."""
    try:
        scope, headers, doubled = _check(request)
        body = _read_body(request, get_settings().MAX_BODY_BYTES)
        return run(_answer, server, scope, headers, doubled, body)
    except Refusal as error:
        record_refusal(server.path, "streamable-http", error.reason, principal=ANONYMOUS, request_id=error.request_id)
        return _response(_body_of(error), error.status, error.headers)
    except CancelledError:
        return _response(refusal(None, INTERNAL_ERROR, "The server is stopping: try again.").body, 503)
    except Exception:
        logger.exception("Serving a request to %r failed.", server)
        return _response(refusal(None, INTERNAL_ERROR, "Internal server error").body, 500)


def _check(request: HttpRequest) -> tuple[Mapping[str, Any], Headers, str | None]:
    scope = scope_of(request)
    headers, doubled = read_headers(scope)
    check_host(scope, headers)
    check_origin(scope, headers)
    check_post(scope, headers, get_settings().MAX_BODY_BYTES)
    if "transfer-encoding" in headers and "content-length" not in headers and not hasattr(request, "scope"):
        raise Refusal(411, "Send a Content-Length: Django under WSGI reads no body without one.")
    return scope, headers, doubled


async def _answer(
    server: MCPServer, scope: Mapping[str, Any], headers: Headers, doubled: str | None, body: bytes
) -> HttpResponse:
    """Answer on the loop, where declarations that changed are compiled by one request at a time."""
    principal = await principal_of(server, scope, headers)
    request = HTTPRequest(server=server, scope=scope, headers=headers, doubled=doubled, principal=principal)
    message = parse(body)
    modern = not is_handshake(request, message)
    if modern:
        exchange = modern_exchange(request, message, None)
    else:
        wanted = message.id is not None and message.method is not None
        exchange = handshake_exchange(request, message, None) if wanted else None
    if exchange is None:
        return _response(b"", 202)
    given = await answer(exchange)
    return _response(given.body, status_of(given, modern=modern), response_headers(given))


def _read_body(request: HttpRequest, limit: int) -> bytes:
    """Read the whole body; ``request.body`` would apply ``DATA_UPLOAD_MAX_MEMORY_SIZE``, which is meant for forms.

    Raises:
        Refusal: it is too large, or the client left before its end.
    """
    chunks, size = [], 0
    try:
        while chunk := request.read(limit + 1 - size):
            chunks.append(chunk)
            size += len(chunk)
            if size > limit:
                raise too_large(limit)
    except OSError as error:
        raise Refusal(400, "The body could not be read to its end.") from error
    return b"".join(chunks)


def _body_of(error: Refusal) -> bytes:
    return refusal(error.request_id, error.code, str(error), error.data).body


def _response(body: bytes, status: int, lines: Lines = ()) -> HttpResponse:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in lines}
    response = HttpResponse(body, "application/json", status, headers=headers)
    response["Content-Length"] = str(len(body))
    if not body:
        del response["Content-Type"]
    return response
