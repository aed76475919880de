"""Whether a request's params are what its revision's schema wants, by the SDK's models (``mcp_types.methods``).

Calls and lists of the usual form are recognised by a few comparisons: making the models of a call, only to throw them
away, takes as long as a third of all else that is done for a small tool (benchmarks/README.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    PROTOCOL_VERSION_META_KEY,
)
from mcp_types.methods import CLIENT_REQUESTS
from pydantic import ValidationError

from mcp_django.engine.exchange import Exchange

MAX_ENVELOPES = 256
"""Most clients whose envelope is remembered; the oldest goes first."""

MAX_ENVELOPE_CHARACTERS = 2000
"""A longer one is not remembered."""

_LISTS = ("tools/list", "resources/list", "resources/templates/list", "prompts/list")
_USUAL = {"tools/call": frozenset({"name", "arguments", "_meta"}), **dict.fromkeys(_LISTS, frozenset({"_meta"}))}
_ENVELOPE = frozenset({PROTOCOL_VERSION_META_KEY, CLIENT_INFO_META_KEY, CLIENT_CAPABILITIES_META_KEY})
_TOKENS = (int, str)

_passed: dict[str, dict[str, Any]] = {}
"""By the name of the client: the envelope that has passed, for it sends the same with every request."""


def check_params(exchange: Exchange) -> None:
    """Check a request against its revision.

    Raises:
        MCPError: the revision has no such method (-32601), or the params don't fit (-32602).
    """
    method, params = exchange.method, exchange.params
    if params is not None and method in _USUAL and _is_usual(params, exchange):
        return
    schema = CLIENT_REQUESTS.get((method, exchange.version))
    if schema is None:
        raise MCPError(METHOD_NOT_FOUND, "Method not found", method)
    message: dict[str, Any] = {"jsonrpc": "2.0", "id": 0, "method": method}
    if params is not None:
        message["params"] = params
    try:
        schema.__pydantic_validator__.validate_python(message, by_name=False)
    except ValidationError as error:
        raise MCPError(INVALID_PARAMS, f"Invalid request parameters: {_fields(error)}") from error
    if exchange.modern:
        _remember(exchange.meta)


def _is_usual(params: Mapping[str, Any], exchange: Exchange) -> bool:
    """Whether the params of a call or list surely fit. If not, they may fit all the same."""
    if not params.keys() <= _USUAL[exchange.method]:
        return False
    if exchange.method == "tools/call":
        arguments = params.get("arguments")
        if type(params.get("name")) is not str or (type(arguments) is not dict and arguments is not None):
            return False
    meta = params.get("_meta")
    if type(meta) is not dict:
        return meta is None and not exchange.modern
    if "progressToken" in meta:
        if type(meta["progressToken"]) not in _TOKENS:
            return False
        meta = {key: value for key, value in meta.items() if key != "progressToken"}
    return meta == _passed.get(_client_of(meta)) if exchange.modern else not meta


def _remember(meta: Mapping[str, Any]) -> None:
    envelope = {key: value for key, value in meta.items() if key != "progressToken"}
    if envelope.keys() <= _ENVELOPE and len(repr(envelope)) <= MAX_ENVELOPE_CHARACTERS:
        _passed[_client_of(meta)] = envelope
        if len(_passed) > MAX_ENVELOPES:
            _passed.pop(next(iter(_passed)), None)


def _client_of(meta: Mapping[str, Any]) -> str:
    info = meta.get(CLIENT_INFO_META_KEY)
    name = info.get("name") if type(info) is dict else None
    return name if type(name) is str else ""


def _fields(error: ValidationError) -> str:
    """Name the members that are wrong, and say nothing of their values."""
    lines = []
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        where = ".".join(str(part) for part in each["loc"])
        lines.append(f"{where}: {each['msg']}")
    return "; ".join(lines[:5])
