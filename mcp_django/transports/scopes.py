"""A Django request as ASGI describes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest


def scope_of(request: HttpRequest) -> Mapping[str, Any]:
    """Return the request's ASGI scope: as it came, or made of WSGI's ``environ`` (PEP 3333)."""
    given: Mapping[str, Any] | None = getattr(request, "scope", None)
    if given is not None:
        return given
    meta = request.META
    return {
        "type": "http",
        "http_version": str(meta.get("SERVER_PROTOCOL", "HTTP/1.1")).removeprefix("HTTP/"),
        "method": meta.get("REQUEST_METHOD", request.method),
        "scheme": request.scheme,
        "path": request.path,
        "root_path": meta.get("SCRIPT_NAME", ""),
        "query_string": meta.get("QUERY_STRING", "").encode("latin-1"),
        "headers": [
            (name.lower().encode("latin-1"), str(value).encode("latin-1", "replace"))
            for name, value in request.headers.items()
            if value or name != "Content-Length"  # an empty one stands for none
        ],
        "client": _address(meta.get("REMOTE_ADDR"), meta.get("REMOTE_PORT")),
        "server": _address(meta.get("SERVER_NAME"), meta.get("SERVER_PORT")),
    }


def _address(host: str | None, port: str | None) -> tuple[str, int | None] | None:
    """Return host and port; a Unix socket has neither."""
    return (host, int(port) if port and port.isdigit() else None) if host else None
