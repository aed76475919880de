"""What is recorded of a request, when it has been answered or cancelled."""

from __future__ import annotations

from time import perf_counter, time
from typing import TYPE_CHECKING, Any

from mcp_types import INTERNAL_ERROR

from mcp_django.activity import Record, get_recorder
from mcp_django.activity.arguments import kept_arguments
from mcp_django.conf import get_settings

if TYPE_CHECKING:
    from mcp_django.auth import Principal
    from mcp_django.engine.dispatcher import Answer
    from mcp_django.engine.exchange import Exchange

_KINDS = {"tools/call": "tool", "resources/read": "resource", "prompts/get": "prompt"}

_MEANT = frozenset({401, 403, 429, 503})
"""HTTP statuses of refusals whose JSON-RPC code says "internal error", for want of a better one."""

_WORDS = {-32700: "parse_error", -32600: "invalid_request", -32601: "method_not_found", -32602: "invalid_params"}


def _ending(given: Answer | None, failure: str) -> tuple[str, str]:
    """Return the outcome of a request, and why, in a word."""
    if given is None:
        return "cancelled", ""
    if not given.code:
        return ("tool_error" if failure else "ok"), failure
    failed = given.code == INTERNAL_ERROR and given.http_status not in _MEANT
    return ("failed" if failed else "refused"), failure or _WORDS.get(given.code, str(given.code))


def record_of(exchange: Exchange, given: Answer | None, begun: float) -> tuple[Any, ...]:
    """Return what is kept of a request, as the fields of a ``Record``: nothing long, no params, no headers, no token.

    Args:
        given: ``None``: it was cancelled.
        begun: as ``time.perf_counter`` said.
    """
    principal, info, method = exchange.principal, exchange.client_info, exchange.method
    usual = given is not None and not given.code and not exchange.failure
    outcome, error = ("ok", "") if usual else _ending(given, exchange.failure)
    account = principal.account
    name: Any = ""
    version: Any = ""
    if type(info) is dict:
        name, version = info.get("name"), info.get("version")
    return (
        time(),
        (perf_counter() - begun) * 1000,
        exchange.engine.declared.path,
        method[:64],
        _KINDS.get(method, ""),
        exchange.key or exchange.component,
        None if account is None else account.pk,
        principal.kind,
        principal.client_id or "",
        name[:200] if type(name) is str else "",
        version[:200] if type(version) is str else "",
        exchange.version,
        exchange.transport,
        outcome,
        error,
        str(exchange.request_id)[:64],
        _arguments(exchange) if get_settings().ACTIVITY_ARGUMENTS else "",
    )


def _arguments(exchange: Exchange) -> str:
    params: Any = exchange.params
    return kept_arguments(params.get("arguments")) if params else ""


def record_refusal(
    server: str,
    transport: str,
    reason: str,
    *,
    principal: Principal,
    method: str = "",
    version: str = "",
    request_id: Any = None,
) -> None:
    """Record a request that was refused before it became an ``Exchange``.

    Args:
        server: path.
        reason: why, in a word.
    """
    recorder = get_recorder()
    if recorder is None:
        return
    user_id = None if principal.account is None else principal.account.pk
    who = (user_id, principal.kind, principal.client_id or "", "", "", version[:32])
    known = "" if request_id is None else str(request_id)[:64]
    made = Record(time(), 0.0, server, method[:64], "", "", *who, transport, "refused", reason, known)
    (recorder.note if principal.account is not None else recorder.note_stranger)(made)
