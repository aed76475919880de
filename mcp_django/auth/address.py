"""Where a request went, as its client sees it. Raw ASGI has no ``HttpRequest`` to ask."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

from mcp_django.auth.resources import base_url, metadata_url, resource_url
from mcp_django.registry import MCPServer

Headers = Mapping[str, str]


def host_of(scope: Mapping[str, Any], headers: Headers) -> str:
    """Return the host that was asked for, by Django's own rules."""
    if settings.USE_X_FORWARDED_HOST and "x-forwarded-host" in headers:
        return headers["x-forwarded-host"]
    if "host" in headers:
        return headers["host"]
    name, port = scope.get("server") or ("", None)
    return f"{name}:{port}" if port else str(name)


def scheme_of(scope: Mapping[str, Any], headers: Headers) -> str:
    """Return ``"http"`` or ``"https"``; ``SECURE_PROXY_SSL_HEADER`` names a proxy's word for it."""
    trusted = settings.SECURE_PROXY_SSL_HEADER
    if trusted:
        name, secure = trusted
        said = headers.get(name.removeprefix("HTTP_").replace("_", "-").lower())
        if said is not None:
            return "https" if said.partition(",")[0].strip() == secure else "http"
    return str(scope.get("scheme") or "http")


def urls_of(server: MCPServer, scope: Mapping[str, Any], headers: Headers) -> tuple[str, str]:
    """Return a server's identifier and the URL of the document about it, for whoever sent this request.

    Its ``Host`` must have been checked.
    """
    return _urls(server.path, scheme_of(scope, headers), host_of(scope, headers), scope.get("root_path", ""))


@lru_cache(maxsize=256)
def _urls(path: str, scheme: str, host: str, root_path: str) -> tuple[str, str]:
    base = base_url(scheme, host, root_path)
    return resource_url(path, base), metadata_url(path, base)


@receiver(setting_changed)
def _forget(**kwargs: Any) -> None:
    _urls.cache_clear()
