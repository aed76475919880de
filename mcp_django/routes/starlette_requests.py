"""Starlette's ``Request`` over a request of Django's. Loaded when the first function is called that takes one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from django.http.request import RawPostDataException
from django.urls import NoReverseMatch, reverse
from starlette.authentication import AuthCredentials
from starlette.datastructures import State, UploadFile, URLPath
from starlette.requests import Request
from starlette.routing import NoMatchFound

from mcp_django.auth import Principal
from mcp_django.transports.scopes import scope_of

CHUNK_BYTES = 64 * 1024


class Application:
    """What ``request.app`` and ``request.url_for`` find: the URLs of Django's."""

    def __init__(self) -> None:
        self.state = State()

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Return the path of a route. Raises ``NoMatchFound``."""
        try:
            return URLPath(reverse(name if ":" in name else f"mcp:{name}", kwargs=path_params))
        except NoReverseMatch:
            raise NoMatchFound(name, path_params) from None


_application = Application()


class DjangoRequest(Request):
    """A request whose body Django reads, and whose client Django watches.

    Args:
        request: the same request as Django has it; its ``read`` ends where the body is too large.
        path_params: of the route.
        principal: who calls; ``request.user`` and ``request.auth`` say so.
    """

    def __init__(self, request: HttpRequest, path_params: Mapping[str, Any], principal: Principal) -> None:
        given = scope_of(request)
        query = given["query_string"]
        scope = {
            **given,
            "query_string": query.encode() if isinstance(query, str) else query,  # Django's test client has a str
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "extensions": {},
            "path_params": dict(path_params),
            "app": _application,
            "router": _application,
            "state": {},
            "user": principal.user,
            "auth": AuthCredentials(list(principal.granted)),
        }
        super().__init__(scope, self._receive_from_django)
        self._django = request
        self._at_end = False

    async def is_disconnected(self) -> bool:
        """Return whether the client has left. Django cancels the function then, so code that goes on has a client."""
        await asyncio.sleep(0)
        return self._is_disconnected

    def close_files(self) -> None:
        """Close what was uploaded. A response does, when all of it has been sent."""
        for _, value in self._form.multi_items() if self._form is not None else ():
            if isinstance(value, UploadFile):
                value.file.close()

    async def _receive_from_django(self) -> dict[str, Any]:
        if self._at_end:
            await asyncio.get_running_loop().create_future()  # nothing comes any more but the cancellation
        chunk = await sync_to_async(self._read)()
        self._at_end = not chunk
        return {"type": "http.request", "body": chunk, "more_body": bool(chunk)}

    def _read(self) -> bytes:
        try:
            return self._django.read(CHUNK_BYTES)
        except RawPostDataException:  # a middleware has parsed the form
            return b""
