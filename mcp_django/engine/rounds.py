"""Asking a client of 2026-07-28, which takes no requests: the call ends with questions, and comes again with answers.

What has been answered travels with the client, sealed: encrypted and authenticated under keys made of SECRET_KEY and
its fallbacks, so any worker can go on, and bound to the caller, the component and its arguments, so that it fits
nothing else (2026-07-28, basic/utilities/mrtr).
"""

from __future__ import annotations

import hashlib
import json
import logging
from functools import lru_cache
from time import time
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.crypto import salted_hmac
from mcp_types import INVALID_PARAMS

from mcp_django.engine.exchange import Exchange
from mcp_django.exceptions import ProtocolError

if TYPE_CHECKING:
    from mcp.server.mcpserver import AESGCMRequestStateCodec

logger = logging.getLogger(__name__)

MAY_ASK = frozenset({"prompts/get", "resources/read", "tools/call"})
"""Methods whose result may be questions (2026-07-28, basic/utilities/mrtr)."""

LIFETIME_SECONDS = 600
"""A client has this long to answer. The SDK's default."""


class InputRequired(BaseException):
    """Ends a function whose questions the client must answer first; not an ``Exception``, so that nobody catches it."""

    def __init__(self, requests: dict[str, dict[str, Any]]) -> None:
        super().__init__("The client is asked.")
        self.requests = requests


def _merged(group: BaseExceptionGroup[Any]) -> InputRequired:
    asked, rest = group.split(InputRequired)
    if rest is not None or asked is None:
        raise group
    requests: dict[str, dict[str, Any]] = {}
    waiting: list[Any] = [asked]
    while waiting:
        each = waiting.pop()
        if isinstance(each, InputRequired):
            requests |= each.requests
        else:
            waiting.extend(each.exceptions)
    return InputRequired(requests)


def begin_round(exchange: Exchange) -> None:
    """Read what the client has answered, in this round and in those before.

    Raises:
        ProtocolError: the state is not one that we gave this caller for this call, or is too old.
    """
    params = exchange.params or {}
    if "requestState" not in params and "inputResponses" not in params:
        return
    state = params.get("requestState")
    if state is not None:
        exchange.answers.update(_unseal(state, exchange))
    responses = params.get("inputResponses")
    if isinstance(responses, dict):
        exchange.answers.update(responses)


def end_round(asked: InputRequired | BaseExceptionGroup[Any], exchange: Exchange) -> dict[str, Any]:
    """Make the result that asks the client. Raises a group in which there is anything but questions."""
    if isinstance(asked, BaseExceptionGroup):
        asked = _merged(asked)
    known = {key: answer for key, answer in exchange.answers.items() if key not in asked.requests}
    state = {"answers": known, "expires": time() + LIFETIME_SECONDS, "for": _binding(exchange)}
    sealed = _codec(*_keys()).seal(json.dumps(state).encode())
    return {"resultType": "input_required", "inputRequests": asked.requests, "requestState": sealed}


def _unseal(sealed: str, exchange: Exchange) -> dict[str, Any]:
    from mcp.server.mcpserver import InvalidRequestState

    try:
        state = json.loads(_codec(*_keys()).unseal(sealed))
    except (InvalidRequestState, ValueError) as error:
        raise _refused(str(error)) from error
    if state["for"] != _binding(exchange):
        raise _refused("it belongs to another call")
    if state["expires"] < time():
        raise _refused("it has expired")
    answers: dict[str, Any] = state["answers"]
    return answers


def _refused(reason: str) -> ProtocolError:
    logger.warning("A requestState was refused: %s.", reason)
    return ProtocolError(INVALID_PARAMS, "Invalid or expired requestState", {"reason": "invalid_request_state"})


def _binding(exchange: Exchange) -> list[str]:
    """Name what a state belongs to: server, caller, method, component, and a digest of the arguments."""
    params = exchange.params or {}
    arguments = json.dumps(params.get("arguments") or {}, sort_keys=True).encode()
    return [
        exchange.engine.declared.path,
        *exchange.principal.owner,
        exchange.method,
        str(params.get("uri") if exchange.method == "resources/read" else params.get("name")),
        hashlib.sha256(arguments).hexdigest(),
    ]


def _keys() -> tuple[bytes, ...]:
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    made = (salted_hmac("mcp_django.request_state", b"", secret, algorithm="sha256").digest() for secret in secrets)
    return tuple(dict.fromkeys(made))


@lru_cache(maxsize=4)
def _codec(*keys: bytes) -> AESGCMRequestStateCodec:
    from mcp.server.mcpserver import AESGCMRequestStateCodec

    return AESGCMRequestStateCodec(keys)
