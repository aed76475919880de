"""One JSON-RPC message from the bytes that a client sent (JSON-RPC 2.0 §4; specification, basic)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcp_types import INVALID_REQUEST, PARSE_ERROR, PROTOCOL_VERSION_META_KEY, JSONRPCError, JSONRPCResponse
from pydantic import ValidationError
from pydantic_core import from_json

_IDS = (int, str)


class BadMessage(Exception):
    """The bytes are no message that we serve."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class Message:
    """A request, a notification (``id`` is ``None``), or a client's response (``method`` is ``None``)."""

    id: int | str | None
    method: str | None
    params: Mapping[str, Any] | None
    raw: Mapping[str, Any]

    @property
    def envelope(self) -> Mapping[str, Any]:
        """The request's ``_meta``; empty when it has none."""
        meta = self.params.get("_meta") if self.params else None
        return meta if isinstance(meta, dict) else {}

    @property
    def envelope_version(self) -> Any:
        """The revision that the message names itself, as 2026-07-28 wants and no earlier one does; else ``None``."""
        return self.envelope.get(PROTOCOL_VERSION_META_KEY)

    @property
    def has_envelope(self) -> bool:
        return PROTOCOL_VERSION_META_KEY in self.envelope


def read_message(body: bytes) -> Message:
    """Parse one message.

    Nesting is bounded by the parser (about 200 levels), size by the transport.

    Raises:
        BadMessage: it is not JSON in UTF-8 (-32700); it is a batch, or no JSON-RPC 2.0 message (-32600).
    """
    try:
        raw = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise BadMessage(PARSE_ERROR, f"Parse error: {error}") from error
    if type(raw) is not dict:
        raise _no_object(raw)
    if raw.get("jsonrpc") != "2.0":
        raise BadMessage(INVALID_REQUEST, "The member 'jsonrpc' must be \"2.0\".")
    method, request_id, params = raw.get("method"), raw.get("id"), raw.get("params")
    if method is None and "method" not in raw and ("result" in raw or "error" in raw):
        return _read_response(raw)
    if type(request_id) not in _IDS and "id" in raw:
        raise BadMessage(INVALID_REQUEST, "The member 'id' must be a string or an integer.")
    if type(method) is not str:
        raise BadMessage(INVALID_REQUEST, "The member 'method' must be a string.")
    if params is not None and type(params) is not dict:
        raise BadMessage(INVALID_REQUEST, "The member 'params' must be an object.")
    return Message(request_id, method, params, raw)


def _read_response(raw: dict[str, Any]) -> Message:
    model = JSONRPCResponse if "result" in raw else JSONRPCError
    try:
        response = model.model_validate(raw)
    except ValidationError as error:
        raise BadMessage(INVALID_REQUEST, "The message is no JSON-RPC response.") from error
    return Message(response.id, None, None, raw)


def _no_object(raw: Any) -> BadMessage:
    if type(raw) is list:
        return BadMessage(INVALID_REQUEST, "Batches are not served: send one JSON-RPC message at a time.")
    return BadMessage(INVALID_REQUEST, "The body must be one JSON-RPC message, an object.")
