"""Pages of other origins as clients: those that ``OAUTH["ALLOWED_ORIGINS"]`` names (Fetch standard, CORS protocol).

No cookie counts here, so no credentials of the browser's own are asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mcp_django.conf import get_settings

EXPOSED = b"WWW-Authenticate, Mcp-Session-Id, Retry-After"
"""What a page may read of the answer's headers: where to sign in, its session, and when to try again."""

_METHODS = b"GET, POST, DELETE"
_SENT = re.compile(r"accept|authorization|content-type|last-event-id|mcp-[a-z0-9-]{1,100}")
_PREFLIGHT_SECONDS = b"600"


def allows_origin(origin: str | None) -> bool:
    """Whether pages of this origin may be clients. Under ``AUTH = "none"``, ``"*"`` names nobody."""
    allowed = get_settings().OAUTH.ALLOWED_ORIGINS
    if not allowed or origin is None:
        return False
    return origin in allowed or ("*" in allowed and get_settings().AUTH != "none")


def headers_for_pages(scope: Mapping[str, Any]) -> tuple[tuple[bytes, bytes], ...]:
    """Return the headers that let the page which asked read the answer; none when no page may."""
    if not get_settings().OAUTH.ALLOWED_ORIGINS:
        return ()
    origins = [value for name, value in scope["headers"] if name.lower() == b"origin"]
    if len(origins) != 1 or not allows_origin(origins[0].decode("latin-1")):
        return ()
    return (
        (b"access-control-allow-origin", origins[0]),
        (b"access-control-expose-headers", EXPOSED),
        (b"vary", b"Origin"),
    )


def preflight(scope: Mapping[str, Any], headers: Mapping[str, str]) -> tuple[tuple[bytes, bytes], ...] | None:
    """Return the headers that answer a browser's question before it sends; ``None`` when it is none, or of no page."""
    asked = scope["method"] == "OPTIONS" and "access-control-request-method" in headers
    if not asked or not allows_origin(headers.get("origin")):
        return None
    wanted = headers.get("access-control-request-headers", "").lower().split(",")[:50]
    allowed = [name.strip() for name in wanted if _SENT.fullmatch(name.strip())]
    return (
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-allow-headers", ", ".join(allowed).encode("ascii")),
        (b"access-control-max-age", _PREFLIGHT_SECONDS),
    )
