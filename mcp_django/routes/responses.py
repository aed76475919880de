"""From what a route's function returns to Django's response."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.functional import Promise

from mcp_django.auth import Principal
from mcp_django.auth.access_token import acting_for
from mcp_django.routes.flow import Flow, Send

TEXT = "text/plain; charset=utf-8"

_END = object()


def is_asgi(request: HttpRequest) -> bool:
    """Whether the response is sent by an event loop."""
    return hasattr(request, "scope")


def is_iterator(result: Any) -> bool:
    """Whether a result is to be streamed: a generator, of either kind, or another iterator."""
    return isinstance(result, Iterator | AsyncIterator)


def to_response(result: Any) -> HttpResponseBase:
    """Make a response of a result that is no iterator and none of Starlette's.

    A string is plain text, bytes are just that, ``None`` is 204; all else becomes JSON: a dict, a list, a number, a
    pydantic model, a dataclass.

    Raises:
        TypeError: JSON knows no such thing.
    """
    if isinstance(result, HttpResponseBase):
        return result
    if result is None:
        return HttpResponse(status=204)
    if isinstance(result, str | Promise):
        return HttpResponse(str(result), content_type=TEXT)
    if isinstance(result, bytes | bytearray | memoryview):
        return HttpResponse(bytes(result), content_type="application/octet-stream")
    return HttpResponse(_to_json(result), content_type="application/json")


def _to_json(result: Any) -> bytes:
    from pydantic_core import PydanticSerializationError, to_json

    try:
        return to_json(result, by_alias=True, inf_nan_mode="null", fallback=_plain)
    except PydanticSerializationError as error:
        raise TypeError(f"A route can't answer with this {type(result).__name__}: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, Promise):
        return str(value)
    raise TypeError(f"JSON knows no {type(value).__name__}")


def stream(parts: Any, request: HttpRequest, principal: Principal) -> StreamingHttpResponse:
    """Make a response of an iterator, sync or async, of strings or bytes, for whichever kind of server there is."""
    return StreamingHttpResponse(_for_server(parts, request, principal), content_type=TEXT)


def adapt(response: HttpResponseBase, request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """Let a response stream on the other kind of server as well: Django would collect all of it first."""
    if isinstance(response, StreamingHttpResponse) and response.is_async is not is_asgi(request):
        response.streaming_content = _for_server(response.streaming_content, request, principal)
    return response


def without_body(response: HttpResponseBase) -> HttpResponseBase:
    """Return the response to HEAD: of a stream, nothing is made."""
    if isinstance(response, StreamingHttpResponse):
        response.streaming_content = ()
    return response


def _for_server(parts: Any, request: HttpRequest, principal: Principal) -> Iterable[Any] | AsyncIterator[Any]:
    if isinstance(parts, AsyncIterator):
        own = _async_parts(parts, principal)
        return own if is_asgi(request) else Flow(_sending(own)).blocking_parts()
    own_sync = _sync_parts(parts, principal)
    return _threaded_parts(own_sync) if is_asgi(request) else own_sync


async def _async_parts(parts: AsyncIterator[Any], principal: Principal) -> AsyncGenerator[Any, None]:
    """Give each part; the function knows on whose behalf it runs. Closes what it iterates when nobody takes more."""
    try:
        while True:
            with acting_for(principal):
                try:
                    part = await anext(parts)
                except StopAsyncIteration:
                    return
            yield part
    finally:
        if inspect.isasyncgen(parts):
            await parts.aclose()


def _sync_parts(parts: Iterator[Any], principal: Principal) -> Iterator[Any]:
    try:
        while True:
            with acting_for(principal):
                part = next(parts, _END)
            if part is _END:
                return
            yield part
    finally:
        if inspect.isgenerator(parts):
            parts.close()


async def _threaded_parts(parts: Iterator[Any]) -> AsyncGenerator[Any, None]:
    """Take each part on the request's own thread."""
    try:
        while (part := await sync_to_async(lambda: next(parts, _END))()) is not _END:
            yield part
    finally:
        if inspect.isgenerator(parts):
            await sync_to_async(parts.close)()


def _sending(parts: AsyncGenerator[Any, None]) -> Callable[[Send], Awaitable[None]]:
    async def send_all(send: Send) -> None:
        async for part in parts:
            await send({"body": part.encode() if isinstance(part, str) else part})

    async def application(send: Send) -> None:
        try:
            await send_all(send)
        finally:
            await parts.aclose()

    return application
