"""From a request to its answer: one table for every method, revision and transport.

A request is checked against the schema of its revision, handled, and its result checked against that schema again,
with the SDK's own models (``mcp_types.methods``). The SDK's server is the oracle: a differential test compares.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from time import perf_counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mcp_types import INTERNAL_ERROR, METHOD_NOT_FOUND, SERVER_INFO_META_KEY
from pydantic import ValidationError
from pydantic_core import to_json

from mcp_django.activity import get_recorder
from mcp_django.auth.access_token import acting_principal
from mcp_django.engine import completions, lifecycle, prompts, resources, subscriptions, tools
from mcp_django.engine.access import visible_keys
from mcp_django.engine.encoding import encode
from mcp_django.engine.exchange import Exchange
from mcp_django.engine.observer import make_record, record
from mcp_django.engine.params import check_params
from mcp_django.engine.results import Sound
from mcp_django.engine.rounds import MAY_ASK, InputRequired, begin_round, end_round
from mcp_django.engine.schemas import result_schema
from mcp_django.engine.switches import read_switches
from mcp_django.exceptions import ProtocolError

if TYPE_CHECKING:
    from mcp_django.activity.recorder import Recorder

logger = logging.getLogger(__name__)

Handler = Callable[[Exchange], Awaitable["dict[str, Any] | bytes"]]


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
    return listing.page(exchange, shape, visible=await visible_keys(listing.kind, exchange))


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


def answer(exchange: Exchange) -> Coroutine[Any, Any, Answer]:
    """Answer one request, and let it be recorded. Never raises, save for cancellation."""
    recorder = get_recorder()
    return _answer(exchange) if recorder is None else _answer_and_record(exchange, recorder)


async def _answer_and_record(exchange: Exchange, recorder: Recorder) -> Answer:
    begun = perf_counter()
    try:
        given = await _answer(exchange)
    except BaseException:
        recorder.note(make_record(exchange, "cancelled", "", begun))
        raise
    await record(recorder, exchange, given.code, given.http_status, begun)
    return given


async def _answer(exchange: Exchange) -> Answer:
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
    except ProtocolError as error:
        exchange.failure = exchange.failure or error.reason
        refused = refusal(exchange.request_id, error.code, error.message, error.data)
        return replace(refused, http_status=error.http_status, headers=error.http_headers)
    except Exception as error:
        exchange.failure = type(error).__name__
        logger.exception("Answering %s failed.", exchange.method)
        return refusal(exchange.request_id, INTERNAL_ERROR, "Internal server error")
    finally:
        acting_principal.reset(acting)
        exchange.close()
    return Answer(b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (encode(exchange.request_id), result))


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


def shape(exchange: Exchange, result: dict[str, Any]) -> bytes:
    """Make the bytes of a result: checked against the revision's schema, and stamped as it wants.

    Raises:
        ProtocolError: the result doesn't fit: a bug of ours or of the author's, told in the log.
    """
    modern = exchange.modern
    if modern:
        result.setdefault("resultType", "complete")
        if result.get("_meta"):
            result["_meta"] = {SERVER_INFO_META_KEY: exchange.engine.server_info, **result["_meta"]}
    try:
        if type(result) is Sound:
            body = to_json({**result})  # the subclass would take three times as long
        else:
            adapter = result_schema(exchange.method, exchange.version, result)
            checked = adapter.validator.validate_python(result, by_name=False)
            body = adapter.serializer.to_json(checked, by_alias=True, exclude_none=True)
    except (ValidationError, ValueError) as error:
        logger.exception("The result of %s %s doesn't fit the schema.", exchange.method, exchange.component)
        raise ProtocolError(INTERNAL_ERROR, "The server made an invalid result. The error was logged.") from error
    if modern and not result.get("_meta"):
        return body[:-1] + b',"_meta":' + exchange.engine.stamp + b"}"
    return body


def refusal(request_id: int | str | None, code: int, message: str, data: Any = None) -> Answer:
    """Make an error response."""
    error = {"code": code, "message": message} | ({} if data is None else {"data": data})
    return Answer(encode({"jsonrpc": "2.0", "id": request_id, "error": error}), code)
