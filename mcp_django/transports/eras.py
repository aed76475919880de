"""Which era a message over HTTP belongs to, and the ``Exchange`` that it becomes, whatever server brought it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcp.shared.inbound import (
    ERROR_CODE_HTTP_STATUS,
    NAME_BEARING_METHODS,
    InboundLadderRejection,
    classify_inbound_request,
    unsupported_protocol_version_rejection,
)
from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    INVALID_REQUEST,
    PROTOCOL_VERSION_META_KEY,
)
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, LATEST_HANDSHAKE_VERSION

from mcp_django.auth import Principal
from mcp_django.engine.dispatcher import Answer
from mcp_django.engine.exchange import MODERN, Channel, Exchange
from mcp_django.engine.server import get_engine
from mcp_django.registry import MCPServer
from mcp_django.sessions.connection import Connection
from mcp_django.transports.messages import BadMessage, Message, read_message
from mcp_django.transports.refusals import Headers, Refusal, doubled

VERSION_HEADER = "mcp-protocol-version"

ASSUMED_VERSION = "2025-03-26"
"""The revision of a client that names none (2025-11-25, basic/transports, Protocol Version Header)."""


@dataclass(slots=True)
class HTTPRequest:
    """One HTTP request, with what its checks have found out."""

    server: MCPServer
    scope: Mapping[str, Any]
    headers: Headers
    doubled: str | None
    principal: Principal


def parse(body: bytes) -> Message:
    """Return the message in a body. Raises ``Refusal`` when there is none."""
    try:
        return read_message(body)
    except BadMessage as error:
        raise Refusal(400, str(error), code=error.code) from error


def is_handshake(request: HTTPRequest, message: Message) -> bool:
    """Whether the message belongs to a revision before 2026-07-28: by its header, and by the envelope it has or not."""
    version = request.headers.get(VERSION_HEADER)
    if version is not None and version not in HANDSHAKE_PROTOCOL_VERSIONS:
        return False
    return not message.has_envelope or message.envelope_version == version or message.method == "initialize"


def handshake_exchange(
    request: HTTPRequest, message: Message, channel: Channel | None, connection: Connection | None = None
) -> Exchange:
    """Return what to answer a client that shakes hands.

    Args:
        message: a request.
        connection: what is remembered of the client; ``None``: nothing.
    """
    assert message.id is not None
    if message.method == "initialize":
        connection = Connection(LATEST_HANDSHAKE_VERSION)  # the handlers negotiate; all handshakes have one form
    version = request.headers.get(VERSION_HEADER, ASSUMED_VERSION)
    return Exchange(
        get_engine(request.server),
        message.method or "",
        message.params,
        message.id,
        connection.version if connection is not None else version,
        "streamable-http",
        request.principal,
        channel,
        request.headers,
        request.scope,
        None if connection is None else connection.client_info,
        None if connection is None else connection.client_capabilities,
        connection,
    )


def modern_exchange(request: HTTPRequest, message: Message, channel: Channel | None) -> Exchange | None:
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
    if request.doubled is not None:
        raise doubled(request.doubled, message.id)
    if not _agrees(message, request.headers):
        route = classify_inbound_request(message.raw, headers=request.headers)
        if isinstance(route, InboundLadderRejection):
            raise _rejection(route, message.id)
    params: Any = message.params
    envelope = params["_meta"]
    return Exchange(
        get_engine(request.server),
        message.method,
        params,
        message.id,
        envelope[PROTOCOL_VERSION_META_KEY],
        "streamable-http",
        request.principal,
        channel,
        request.headers,
        request.scope,
        envelope.get(CLIENT_INFO_META_KEY),
        envelope[CLIENT_CAPABILITIES_META_KEY],
    )


def status_of(answer: Answer, *, modern: bool) -> int:
    """Return the HTTP status of an answer: 2026-07-28 tells errors by it, the handshake revisions don't."""
    if answer.http_status:
        return answer.http_status
    return ERROR_CODE_HTTP_STATUS.get(answer.code, 200) if modern and answer.code else 200


def response_headers(given: Answer) -> tuple[tuple[bytes, bytes], ...]:
    """Return what HTTP says beside an answer: its own headers, or when a client refused for now may come again."""
    if given.headers or given.http_status not in (429, 503):
        return given.headers
    return ((b"retry-after", b"30"),)


def _agrees(message: Message, headers: Headers) -> bool:
    """Whether envelope and headers say the same, as they nearly always do. If not, the SDK says what is wrong."""
    params, method = message.params or {}, message.method or ""
    meta = params.get("_meta")
    if type(meta) is not dict or meta.get(PROTOCOL_VERSION_META_KEY) != MODERN:
        return False
    if headers.get(VERSION_HEADER) != MODERN or headers.get("mcp-method") != method:
        return False
    name_key = NAME_BEARING_METHODS.get(method)
    if name_key is not None:
        name = params.get(name_key)
        if headers.get("mcp-name") != name or type(name) is not str or name.startswith("=?"):
            return False
    return CLIENT_CAPABILITIES_META_KEY in meta


def _rejection(route: InboundLadderRejection, request_id: int | str | None) -> Refusal:
    status = ERROR_CODE_HTTP_STATUS.get(route.code, 400)
    return Refusal(status, route.message, code=route.code, data=route.data, request_id=request_id)
