"""Known differences on the road to the message, and in the handshake."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from mcp_types import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    UNSUPPORTED_PROTOCOL_VERSION,
)

from tests.differential.differences.table import difference
from tests.differential.pair import Pair, is_strict_json


@difference(
    "refusal-body",
    "a refused HTTP request gets a JSON-RPC error that says why; the SDK sends nothing, or plain text",
    'Transports: "The HTTP response body MAY comprise a JSON-RPC error response that has no id."',
)
def refusal_body(pair: Pair) -> None:
    plain = pair.theirs.form not in ("json", "stream")
    if pair.ours.status == pair.theirs.status in (405, 406, 413) and plain and pair.ours.error_code == INVALID_REQUEST:
        pair.theirs.form, pair.theirs.messages = pair.ours.form, deepcopy(pair.ours.messages)


@difference(
    "allow",
    "there are no sessions yet, so only POST is served and DELETE gets the Allow header too",
    'RFC 9110 §15.5.6: "The origin server MUST generate an Allow header field in a 405 response containing a list of '
    "the target resource's currently supported methods.\"",
)
def allow(pair: Pair) -> None:
    if pair.ours.status == pair.theirs.status == 405 and pair.handshake and pair.ours.allow == "POST":
        pair.theirs.allow = "POST"


@difference(
    "content-type-status",
    "what is no JSON gets 415, the SDK's 400",
    "RFC 9110 §15.5.16, 415 Unsupported Media Type",
)
def content_type_status(pair: Pair) -> None:
    if pair.ours.status == 415 and pair.theirs.messages == ["Invalid Content-Type header"]:
        pair.accept()


@difference(
    "content-type-whole",
    "the media type is compared whole and in any case: the SDK takes what begins with application/json (2026-07-28), "
    "and of the handshake revisions only what is in lower case",
    'RFC 9110 §8.3.1: "The type and subtype tokens are case-insensitive."',
)
def content_type_whole(pair: Pair) -> None:
    kind = (pair.posted.header("content-type") or "").partition(";")[0].strip()
    prefix_only = pair.ours.status == 415 and kind.startswith("application/json") and kind != "application/json"
    in_capitals = pair.theirs.status == 415 and kind != kind.lower() == "application/json"
    if (prefix_only or in_capitals) and pair.ours.status != pair.theirs.status:
        pair.accept()


@difference(
    "strict-json",
    "JSON is UTF-8 without a byte order mark, NaN or lone surrogates: the SDK's parsers take some of these",
    '2026-07-28, basic/transports: "JSON-RPC messages MUST be UTF-8 encoded"; RFC 8259 §6: "Numeric values that cannot '
    'be represented in the grammar below (such as Infinity and NaN) are not permitted."',
)
def strict_json(pair: Pair) -> None:
    refused = pair.ours.error_code == PARSE_ERROR and pair.ours.status == 400
    if refused and pair.theirs.error_code != PARSE_ERROR and not is_strict_json(pair.posted.body):
        pair.accept()


@difference(
    "malformed-message",
    "what is no JSON-RPC message is an invalid request: the SDK tells handshake clients of invalid params, and takes a "
    "malformed request for a response when it has a result too",
    'JSON-RPC 2.0 §5.1: "-32600 Invalid Request: The JSON sent is not a valid Request object."',
)
def malformed_message(pair: Pair) -> None:
    refused = pair.ours.status == 400 and pair.ours.error_code == INVALID_REQUEST and pair.ours.last["id"] is None
    both = "method" in pair.message and pair.message.keys() & {"result", "error"} and pair.theirs.status == 202
    if pair.handshake and refused and (both or pair.codes(INVALID_REQUEST, INVALID_PARAMS)):
        pair.accept()


@difference(
    "malformed-id",
    "a request with an id that may not be one is refused: the SDK takes it for a notification of a handshake client",
    'JSON-RPC 2.0 §4.1: "A Notification is a Request object without an "id" member."',
)
def malformed_id(pair: Pair) -> None:
    named = "method" in pair.message and "id" in pair.message and type(pair.message["id"]) not in (int, str)
    if pair.handshake and named and (pair.ours.status, pair.theirs.status) == (400, 202):
        pair.accept()


@difference(
    "envelope-decides",
    "a request with the envelope of 2026-07-28 is one, and its header must say so too: the SDK looks at the header "
    "only",
    '2026-07-28, basic/transports/streamable-http: "Every POST request to the MCP endpoint MUST include an '
    'MCP-Protocol-Version header." … "The header value MUST match the io.modelcontextprotocol/protocolVersion field '
    "carried in the request body's _meta.\"",
)
def envelope_decides(pair: Pair) -> None:
    refused = pair.ours.error_code in (HEADER_MISMATCH, UNSUPPORTED_PROTOCOL_VERSION, INVALID_PARAMS)
    if (
        pair.handshake
        and pair.has_envelope
        and pair.ours.status == 400
        and refused
        and pair.theirs.status in (200, 202)
    ):
        pair.accept()


@difference(
    "doubled-unknown-param",
    "any Mcp-Param header that stands there twice is refused, also one that the tool doesn't declare",
    "our rule: a proxy may have routed by the one or by the other",
)
def doubled_unknown_param(pair: Pair) -> None:
    names = [name.lower() for name, _ in pair.posted.headers if name.lower().startswith("mcp-param-")]
    if pair.codes(HEADER_MISMATCH, None) and len(names) != len(set(names)):
        pair.accept()


@difference(
    "null-progress-token",
    "null for a progress token is none: the SDK refuses it",
    "our rule, and that of mcp_types.methods.validate_client_request",
)
def null_progress_token(pair: Pair) -> None:
    if pair.meta.get("progressToken", 0) is None and pair.codes(None, INVALID_PARAMS):
        pair.accept()


@difference(
    "logging",
    "handshake clients can set a log level: MCPServer doesn't serve logging/setLevel",
    '2025-11-25, server/utilities/logging: "Servers that emit log message notifications MUST declare the logging '
    'capability"',
)
def logging_capability(pair: Pair) -> None:
    if pair.method == "initialize" and pair.ours.result and pair.theirs.result:
        capabilities = pair.theirs.result["capabilities"]
        if "logging" in pair.ours.result["capabilities"]:
            capabilities["logging"] = {}
    elif (
        pair.method == "logging/setLevel" and pair.ours.last.get("result") == {} and pair.codes(None, METHOD_NOT_FOUND)
    ):
        pair.accept()


@difference(
    "unsubscribe",
    "whoever has no session listens to nothing, and may say so: MCPServer doesn't serve the method",
    "our rule: unsubscribing from what one doesn't listen to is no error",
)
def unsubscribe(pair: Pair) -> None:
    if pair.method == "resources/unsubscribe" and pair.handshake and pair.codes(None, METHOD_NOT_FOUND):
        pair.accept()


@difference(
    "default-log-level",
    "without a session the level is info, so debug messages stay here: the SDK sends all",
    '2025-11-25, server/utilities/logging: "If no logging/setLevel request has been sent from the client, the server '
    'MAY decide which messages to send automatically."',
)
def default_log_level(pair: Pair) -> None:
    if pair.handshake and pair.method == "tools/call":
        pair.theirs.messages = [each for each in pair.theirs.messages if not _is_debug(each)]


def _is_debug(message: Any) -> bool:
    logged = isinstance(message, dict) and message.get("method") == "notifications/message"
    return logged and message["params"]["level"] == "debug"
