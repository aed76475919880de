"""From the headers of a request to the one who sent it (RFC 6750 §2.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

from mcp_django.auth.challenges import NotAuthenticated, baseline_challenge
from mcp_django.auth.credentials import principals_of_keys, principals_of_tokens, renew
from mcp_django.auth.errands import on_common_errand, on_errand
from mcp_django.auth.events import tell_refusal
from mcp_django.auth.keys import PREFIX, checksum
from mcp_django.auth.principal import ANONYMOUS, Principal
from mcp_django.registry import MCPServer

MAX_TOKEN = 8192
"""Most characters of a token that is looked for."""

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # token68, RFC 9110 §11.2


async def authenticate(headers: Mapping[str, str], resource: str, metadata: str, server: MCPServer) -> Principal:
    """Return who sent a request.

    The credential is an OAuth access token or an API key in the header ``Authorization``. Nothing else counts: no
    query string, no form, no cookie.

    Args:
        headers: names in lower case.
        resource: URL of the server that was asked.
        metadata: URL of the document about it, for the challenge.

    Raises:
        NotAuthenticated: there is none that counts (401), or it has no form (400).
    """
    token = bearer_of(headers)
    if token is None:
        text = "Sign in: this server wants an access token."
        raise await _refused("no_token", text, baseline_challenge(metadata), server)
    if len(token) > MAX_TOKEN or not _TOKEN.fullmatch(token):
        text = "The Authorization header holds no token: it must read 'Bearer', a space, and the token."
        challenge = baseline_challenge(metadata, error="invalid_request")
        raise await _refused("malformed", text, challenge, server, status=400)
    find = principals_of_keys if token.startswith(PREFIX) else principals_of_tokens
    found = await on_common_errand(find, (checksum(token), resource))
    if isinstance(found, Principal):
        return found
    text = "The access token is not valid here: it is unknown, expired, revoked, or for something else."
    challenge = baseline_challenge(metadata, error="invalid_token", description="Sign in again.")
    raise await _refused(found.reason, text, challenge, server)


def bearer_of(headers: Mapping[str, str]) -> str | None:
    """Return what follows ``Bearer``; ``None`` without such a header, or with one of another scheme."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip(" ") if scheme.lower() == "bearer" else None


async def renewed(principal: Principal) -> Principal | None:
    """Return the principal of an open stream with the user as they are now; ``None`` when the stream must end.

    The credential has been revoked or outlived then, or the user is not active any more.
    """
    if principal.kind not in ("token", "key"):
        return principal
    return await on_errand(partial(renew, principal))


async def _refused(
    reason: str, message: str, challenge: str, server: MCPServer, *, status: int = 401
) -> NotAuthenticated:
    await tell_refusal(reason, server.path, ANONYMOUS)
    return NotAuthenticated(reason, message, challenge=challenge, status=status)
