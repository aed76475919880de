"""One HTTP request to an endpoint: what every transport over HTTP does with it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from channels.consumer import AsyncConsumer
from mcp_types import INTERNAL_ERROR

from mcp_django.auth import ANONYMOUS, Principal
from mcp_django.conf import get_settings
from mcp_django.engine.dispatcher import refusal
from mcp_django.engine.observer import record_refusal
from mcp_django.registry import MCPServer
from mcp_django.sessions.connection import Transport
from mcp_django.transports.cors import headers_for_pages, preflight
from mcp_django.transports.eras import HTTPRequest
from mcp_django.transports.principals import principal_of, stranger_of
from mcp_django.transports.refusals import STOPPING, Refusal, check_host, check_origin, read_headers, too_large
from mcp_django.transports.reply import Reply
from mcp_django.transports.watch import Receive, Stopping, interruptible

logger = logging.getLogger(__name__)


class ClientLeft(Exception):
    """The client went away before its request was complete."""


@dataclass(slots=True)
class Request(HTTPRequest):
    """One HTTP request, and the connection that it came on."""

    receive: Receive
    reply: Reply

    def let_go(self) -> None:
        """Forget the headers: a stream that stays open for hours holds as little as it can."""
        if isinstance(self.headers, dict):
            self.headers.clear()


class HTTPConsumer(AsyncConsumer):
    """One HTTP request to an MCP server.

    It owns its ASGI triple: Channels' own dispatch would add a task, a channel and a thread hop to every request.
    It keeps nothing of a request, so that one consumer serves them all.
    """

    transport: Transport = "streamable-http"

    def __init__(self, server: MCPServer) -> None:
        self.server = server

    @classmethod
    def as_asgi(cls, **initkwargs: Any) -> Any:
        """Return the one consumer; Channels' own would make one for each request."""
        return cls(**initkwargs)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        reply, principal = Reply(send, headers_for_pages(scope)), ANONYMOUS
        try:
            headers, doubled = read_headers(scope)
            check_host(scope, headers)
            if "origin" in headers:
                check_origin(scope, headers)
                if (allowed := preflight(scope, headers)) is not None:
                    await reply.finish(b"", 204, allowed)
                    return
            principal = stranger_of(headers) or await principal_of(self.server, scope, headers)
            await self.serve(Request(self.server, scope, headers, doubled, principal, receive, reply))
        except Refusal as error:
            self._record(error, principal)
            body = refusal(error.request_id, error.code, str(error), error.data).body
            await reply.finish(body, error.status, error.headers)
        except ClientLeft:
            return
        except Exception:
            logger.exception("Serving a request to %r failed.", self.server)
            await reply.finish(refusal(None, INTERNAL_ERROR, "Internal server error").body, 500)

    def _record(self, error: Refusal, principal: Principal) -> None:
        if error.reason != STOPPING:  # then the call that it ended is recorded
            path, request_id = self.server.path, error.request_id
            record_refusal(path, self.transport, error.reason, principal=principal, request_id=request_id)

    async def serve(self, request: Request) -> None:
        """Answer a request that comes from where it may. Raises ``Refusal`` and ``ClientLeft``."""
        raise NotImplementedError


async def read_body(receive: Receive) -> bytes:
    """Read the whole body.

    Raises:
        Refusal: it is too large, or the server stops.
        ClientLeft: it never came to its end.
    """
    try:
        with interruptible():
            size, limit, chunks, more = 0, get_settings().MAX_BODY_BYTES, [], True
            while more:
                event = await receive()
                if event["type"] == "http.disconnect":
                    raise ClientLeft
                chunk: bytes = event.get("body", b"")
                size += len(chunk)
                if size > limit:
                    raise too_large(limit)
                chunks.append(chunk)
                more = event.get("more_body", False)
            return b"".join(chunks)
    except Stopping:
        raise Refusal(503, "The server is stopping: try again.", code=INTERNAL_ERROR, reason=STOPPING) from None
