"""Starlette's responses as Django's: the same status, headers and body. Loaded when the first one is returned."""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import Awaitable, Callable, Iterable
from http.cookies import Morsel
from typing import Any

from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from mcp_django.auth import ANONYMOUS
from mcp_django.routes.flow import Flow, Send
from mcp_django.routes.responses import is_asgi
from mcp_django.routes.starlette_requests import DjangoRequest
from mcp_django.transports import loop

logger = logging.getLogger(__name__)

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer"})
"""For servers to send, not for applications (RFC 9110 §7.6.1, PEP 3333)."""


class _Closing(HttpResponseBase):
    """What is done when the response has been sent, or won't be."""

    background: Any = None
    flow: Flow | None = None

    def close(self) -> None:
        super().close()
        if self.flow is not None:
            self.flow.abandon()
        background, self.background = self.background, None
        if background is not None:
            _run_background(background)


_running: set[asyncio.Task[None]] = set()
"""Background tasks of responses that were closed on an event loop, which Django's test client does."""


def _run_background(background: Callable[[], Awaitable[None]]) -> None:
    """Run what was to be done after the response: on the thread where servers close it, which waits for it."""

    async def run() -> None:
        try:
            await background()
        except Exception:
            logger.exception("A background task of a route failed.")

    try:
        loop_here = asyncio.get_running_loop()
    except RuntimeError:
        async_to_sync(run)()
        return
    task = loop_here.create_task(run())
    _running.add(task)
    task.add_done_callback(_running.discard)


class WholeResponse(_Closing, HttpResponse):
    """A response whose body is at hand."""


class FlowingResponse(_Closing, StreamingHttpResponse):
    """A response that is sent as it is made."""


class RawCookie(Morsel[str]):
    """A ``Set-Cookie`` header as Starlette has it."""

    def __init__(self, header: str) -> None:
        super().__init__()
        self._header = header

    @property
    def key(self) -> str:
        return self._header.partition("=")[0].strip()

    @property
    def value(self) -> str:
        return self._header.partition("=")[2].partition(";")[0]

    coded_value = value

    def OutputString(self, attrs: Any = None) -> str:
        return self._header


async def to_django(response: Any, request: HttpRequest, given: Request | None) -> HttpResponseBase:
    """Return a response of Starlette's as one of Django's; its background task runs once that has been sent.

    Args:
        given: the request that the function got; ``None``: it took Django's.
    """
    background = getattr(response, "background", None)
    if background is not None:
        response = copy.copy(response)
        response.background = None
    if isinstance(response, Response) and type(response).__call__ is Response.__call__:
        whole = WholeResponse(bytes(response.body), status=response.status_code)
        whole.background = background
        _copy_headers(response.raw_headers, whole)
        return whole
    flowing = await _start(response, request, given)
    flowing.background = background
    return flowing


def refusal_of(error: HTTPException) -> Response:
    """Return the response that stands for an ``HTTPException``, as Starlette makes it."""
    if error.status_code in (204, 304):
        return Response(status_code=error.status_code, headers=error.headers)
    return PlainTextResponse(error.detail, status_code=error.status_code, headers=error.headers)


async def _start(response: Any, request: HttpRequest, given: Request | None) -> FlowingResponse:
    asked = given or DjangoRequest(request, {}, ANONYMOUS)

    async def application(send: Send) -> None:
        await response(asked.scope, asked.receive, send)

    flow = Flow(application)
    asgi = is_asgi(request)
    first = await (flow.receive() if asgi else asyncio.wrap_future(loop.submit(flow.receive)))
    if first is None:
        raise RuntimeError(f"The {type(response).__name__} of a route sent nothing.")
    flowing = FlowingResponse(flow.parts() if asgi else flow.blocking_parts(), status=first["status"])
    flowing.flow = flow
    _copy_headers(first.get("headers", ()), flowing)
    return flowing


def _copy_headers(headers: Iterable[tuple[bytes, bytes]], response: HttpResponseBase) -> None:
    del response["Content-Type"]  # Django's default
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name.lower() == "set-cookie":
            _add_cookie(value, response)
        elif name.lower() not in _HOP_BY_HOP:
            response[name] = f"{response[name]}, {value}" if name in response else value  # RFC 9110 §5.3


def _add_cookie(header: str, response: HttpResponseBase) -> None:
    """Keep a cookie as it is. Several of one name, for different paths, are kept apart by what they are filed under."""
    cookie = RawCookie(header)
    place = cookie.key
    while place in response.cookies:
        place += ";"
    dict.__setitem__(response.cookies, place, cookie)
