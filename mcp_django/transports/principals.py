"""Who sent an HTTP request, by ``AUTH``: the one place where every HTTP transport asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp_django.auth import ANONYMOUS, VISITOR, Principal, authenticate
from mcp_django.auth.address import urls_of
from mcp_django.auth.bearer import bearer_of
from mcp_django.auth.challenges import NotAuthenticated
from mcp_django.conf import get_settings
from mcp_django.registry import MCPServer
from mcp_django.transports.refusals import Headers, Refusal


def stranger_of(headers: Headers) -> Principal | None:
    """Return on whose behalf a request is served that shows no credential which counts; ``None``: it must, or does."""
    auth = get_settings().AUTH
    if auth == "none":
        return ANONYMOUS
    return VISITOR if auth == "optional" and bearer_of(headers) is None else None


async def principal_of(server: MCPServer, scope: Mapping[str, Any], headers: Headers) -> Principal:
    """Return on whose behalf a request is served. ``Host`` and ``Origin`` must have been checked; the body needn't.

    Args:
        scope: the ASGI scope: ``scheme``, ``server`` and ``root_path`` are read.
        headers: names in lower case.

    Raises:
        Refusal: 401, or 400 for a header that makes no sense, with the challenge (RFC 9728 §5.1).
    """
    if (stranger := stranger_of(headers)) is not None:
        return stranger
    resource, metadata = urls_of(server, scope, headers)
    try:
        return await authenticate(headers, resource, metadata, server)
    except NotAuthenticated as error:
        challenge = (b"www-authenticate", error.challenge.encode("ascii"))
        raise Refusal(error.status, str(error), headers=(challenge,), reason=error.reason) from None
