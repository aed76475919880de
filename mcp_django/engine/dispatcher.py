"""From a request to its answer: one table for every method, revision and transport.

A request is checked against the schema of its revision, handled, and its result checked against that schema again,
with the SDK's own models (``mcp_types.methods``). The SDK's server is the oracle: a differential test compares.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from time import perf_counter
from types import MappingProxyType
from typing import Any

from mcp_types import INTERNAL_ERROR, METHOD_NOT_FOUND

from mcp_django.activity import get_recorder
from mcp_django.auth.access_token import acting_principal
from mcp_django.engine import completions, lifecycle, prompts, resources, subscriptions, tools
from mcp_django.engine.access import visible_keys
from mcp_django.engine.encoding import encode
from mcp_django.engine.exchange import Exchange
from mcp_django.engine.observer import record_of
from mcp_django.engine.params import check_params
from mcp_django.engine.rounds import MAY_ASK, InputRequired, begin_round, end_round
from mcp_django.engine.shaping import shape
from mcp_django.engine.switches import read_switches
from mcp_django.exceptions import ProtocolError
from mcp_django.lanes import on_own_thread

logger = logging.getLogger(__name__)

Handler = Callable[[Exchange], Awaitable["dict[str, Any] | bytes"]]
"""Its result: the bytes that go on the wire, or what has to be checked before."""


@dataclass(slots=True)
class Answer:
    """A complete JSON-RPC response."""

    body: bytes
    """One line of JSON."""

    code: int = 0
    """The JSON-RPC error code; 0 when it is a result."""

    http_status: int = 0
    """What HTTP says of it, where the code alone doesn't tell; 0 elsewhere."""

    headers: tuple[tuple[bytes, bytes], ...] = ()
    """HTTP headers that belong to the error."""


async def list_page(exchange: Exchange) -> bytes:
    """Answer any of the lists with a page that may have been made before."""
    listing = exchange.engine.listings[exchange.method]
    return listing.page(exchange, visible=await visible_keys(listing.kind, exchange))


METHODS: Mapping[str, Handler] = MappingProxyType(
    {
        "initialize": lifecycle.initialize,
        "server/discover": lifecycle.discover,
        "ping": lifecycle.ping,
        "logging/setLevel": lifecycle.set_level,
        "tools/list": list_page,
        "tools/call": tools.call,
        "resources/list": list_page,
        "resources/templates/list": list_page,
        "resources/read": resources.read,
        "prompts/list": list_page,
        "prompts/get": prompts.get,
        "completion/complete": completions.complete,
        "resources/subscribe": subscriptions.subscribe,
        "resources/unsubscribe": subscriptions.unsubscribe,
        "subscriptions/listen": subscriptions.listen,
    }
)
"""Every method that is served. Which revision knows it, the schemas of the SDK say."""


async def answer(exchange: Exchange) -> Answer:
    """Answer one request, and let it be recorded. Never raises, save for cancellation."""
    recorder, begun = get_recorder(), perf_counter()
    acting = acting_principal.set(exchange.principal)
    try:
        if exchange.engine.declared.unread:
            await read_switches(exchange.engine.declared)
            exchange.engine.refresh()
        try:
            result = await _handler(exchange)(exchange)
        except (InputRequired, BaseExceptionGroup) as asked:  # a group: there was a task group around the questions
            result = end_round(asked, exchange)
        if not isinstance(result, bytes):
            result = shape(exchange, result)
        given = Answer(b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (encode(exchange.request_id), result))
    except Exception as error:
        given = _failed(exchange, error)
    except BaseException:
        if recorder is not None:
            recorder.note(record_of(exchange, None, begun))
        raise
    finally:
        acting_principal.reset(acting)
        exchange.close()
    if recorder is not None:
        record = record_of(exchange, given, begun)
        await on_own_thread(recorder.write_now, record) if recorder.strict else recorder.note(record)
    return given


def _failed(exchange: Exchange, error: Exception) -> Answer:
    if isinstance(error, ProtocolError):
        exchange.failure = exchange.failure or error.reason
        refused = refusal(exchange.request_id, error.code, error.message, error.data)
        return replace(refused, http_status=error.http_status, headers=error.http_headers)
    exchange.failure = type(error).__name__
    logger.error("Answering %s failed.", exchange.method, exc_info=error)
    return refusal(exchange.request_id, INTERNAL_ERROR, "Internal server error")


def _handler(exchange: Exchange) -> Handler:
    """Check a request against its revision, and return what handles it.

    Raises:
        ProtocolError: the revision has no such method, or not with these params.
    """
    method = exchange.method
    handler = METHODS.get(method)
    if handler is None:
        raise ProtocolError(METHOD_NOT_FOUND, "Method not found", method)
    usual = check_params(exchange)
    if not usual and method in MAY_ASK and exchange.modern:
        begin_round(exchange)
    return handler


def refusal(request_id: int | str | None, code: int, message: str, data: Any = None) -> Answer:
    """Make an error response."""
    error = {"code": code, "message": message} | ({} if data is None else {"data": data})
    return Answer(encode({"jsonrpc": "2.0", "id": request_id, "error": error}), code)
