"""Whether a request's params are what its revision's schema wants, by the SDK's models (``mcp_types.methods``).

Handshakes, calls and lists of the usual form are recognised by a few comparisons: making the models of a call, only to
throw them away, takes as long as a third of all else that is done for a small tool (benchmarks/README.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    PROTOCOL_VERSION_META_KEY,
)
from pydantic import ValidationError

from mcp_django.engine.exchange import Exchange
from mcp_django.engine.schemas import request_schema
from mcp_django.exceptions import ProtocolError

MAX_ENVELOPES = 256
"""Most clients whose envelope is remembered; the oldest goes first."""

MAX_ENVELOPE_CHARACTERS = 2000
"""A longer one is not remembered."""

_LISTS = ("tools/list", "resources/list", "resources/templates/list", "prompts/list")
_CALL = {"tools/call": frozenset({"name", "arguments", "_meta"})}
_ONLY_META = frozenset({"_meta"})
_MODERN = dict.fromkeys(("server/discover", *_LISTS), _ONLY_META) | _CALL
_HANDSHAKE = (
    dict.fromkeys(("ping", *_LISTS), _ONLY_META)
    | _CALL
    | {"initialize": frozenset({"protocolVersion", "capabilities", "clientInfo"})}
)
"""By method of the era: the members of the usual form."""

_ENVELOPE = frozenset({PROTOCOL_VERSION_META_KEY, CLIENT_INFO_META_KEY, CLIENT_CAPABILITIES_META_KEY})
_INFO = frozenset({"name", "version", "title"})
_PARTS = {"elicitation": frozenset({"form", "url"}), "sampling": frozenset({"context", "tools"})}
_TOKENS = (int, str)

_passed: dict[str, dict[str, Any]] = {}
"""By the name of the client: the envelope that has passed, for it sends the same with every request."""


def check_params(exchange: Exchange) -> bool:
    """Check a request against its revision. Returns whether it has the usual members and no others.

    Raises:
        ProtocolError: the revision has no such method (-32601), or the params don't fit (-32602).
    """
    method, params, modern = exchange.method, exchange.params, exchange.modern
    members = (_MODERN if modern else _HANDSHAKE).get(method)
    if members is not None and _is_usual(method, params or {}, members, modern=modern):
        return True
    schema = request_schema(method, exchange.version)
    if schema is None:
        raise ProtocolError(METHOD_NOT_FOUND, "Method not found", method)
    message: dict[str, Any] = {"jsonrpc": "2.0", "id": 0, "method": method}
    if params is not None:
        message["params"] = params
    try:
        schema.__pydantic_validator__.validate_python(message, by_name=False)
    except ValidationError as error:
        raise ProtocolError(INVALID_PARAMS, f"Invalid request parameters: {_fields(error)}") from error
    if modern:
        _remember(exchange.meta)
    return False


def _is_usual(method: str, params: Mapping[str, Any], members: frozenset[str], *, modern: bool) -> bool:
    """Whether params surely fit. If not, they may fit all the same."""
    if not params.keys() <= members:
        return False
    if method == "tools/call":
        arguments = params.get("arguments")
        if type(params.get("name")) is not str or (type(arguments) is not dict and arguments is not None):
            return False
    elif method == "initialize":
        known = _is_known(params.get("clientInfo"), params.get("capabilities"))
        return known and type(params.get("protocolVersion")) is str
    meta = params.get("_meta")
    if type(meta) is not dict:
        return meta is None and not modern
    if "progressToken" in meta:
        if type(meta["progressToken"]) not in _TOKENS:
            return False
        meta = {key: value for key, value in meta.items() if key != "progressToken"}
    return _is_usual_envelope(meta) if modern else not meta


def _is_usual_envelope(meta: dict[str, Any]) -> bool:
    if meta == _passed.get(_client_of(meta)):
        return True
    if meta.keys() != _ENVELOPE or type(meta[PROTOCOL_VERSION_META_KEY]) is not str:
        return False
    if not _is_known(meta[CLIENT_INFO_META_KEY], meta[CLIENT_CAPABILITIES_META_KEY]):
        return False
    _remember(meta)
    return True


def _is_known(info: Any, capabilities: Any) -> bool:
    """Whether a client says who it is and what it offers in the usual form."""
    if type(info) is not dict or not {"name", "version"} <= info.keys() <= _INFO:
        return False
    return (
        all(type(each) is str for each in info.values())
        and type(capabilities) is dict
        and all(map(_is_known_capability, capabilities.items()))
    )


def _is_known_capability(item: tuple[str, Any]) -> bool:
    name, offered = item
    if type(offered) is not dict:
        return False
    if name == "roots":
        return offered.keys() <= {"listChanged"} and all(type(each) is bool for each in offered.values())
    return name in _PARTS and offered.keys() <= _PARTS[name] and all(each == {} for each in offered.values())


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
