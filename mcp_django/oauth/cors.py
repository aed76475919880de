"""Pages of other origins that are clients (CORS): the Inspector, and clients that run in a browser."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from mcp_django.conf import get_settings


class CORSMixin:
    """A view that pages of other origins may use. Cookies never go with their requests.

    ``ALLOWED_ORIGINS`` names them; a view that is ``open_to_all`` shows what everybody may know.
    """

    open_to_all = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "OPTIONS":
            response: HttpResponseBase = HttpResponse(status=204)
        else:
            response = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        return self.allow_origin(request, response)

    def allow_origin(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Add the headers that let a page read the answer, if its origin may."""
        allowed = get_settings().OAUTH.ALLOWED_ORIGINS
        origin = request.headers.get("Origin", "")
        if self.open_to_all or "*" in allowed:
            response["Access-Control-Allow-Origin"] = "*"
        elif origin in allowed:
            response["Access-Control-Allow-Origin"] = origin
        else:
            return response
        response["Access-Control-Allow-Methods"] = ", ".join(self._methods())
        response["Access-Control-Allow-Headers"] = "Authorization, Content-Type, MCP-Protocol-Version"
        response["Access-Control-Max-Age"] = "3600"
        response["Access-Control-Expose-Headers"] = "WWW-Authenticate, Retry-After"
        if not self.open_to_all:
            response.headers["Vary"] = ", ".join(filter(None, [response.headers.get("Vary"), "Origin"]))
        return response

    def _methods(self) -> list[str]:
        return [name.upper() for name in ("get", "post") if hasattr(self, name)]
