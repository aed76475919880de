"""Views for programs that show an API key."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from django.http import HttpRequest
from django.views.decorators.csrf import csrf_exempt

from mcp_django.auth import Principal
from mcp_django.auth.access_token import acting_for
from mcp_django.auth.bearer import bearer_of
from mcp_django.auth.credentials import principals_of_keys
from mcp_django.auth.keys import PREFIX, checksum
from mcp_django.routes.problems import Problem
from mcp_django.routes.steps import VIEW, Steps, View, around

MAX_KEY = 200
"""Most characters of a key that is looked for."""


def api_key_required(*, scopes: Iterable[str] | str = ()) -> Callable[[View], View]:
    """Ask the callers of a view, sync or async, for an API key (``manage.py mcp_apikey``) with all of these scopes.

    The key comes as ``Authorization: Bearer mcpk_…`` or as ``X-API-Key``; never in a URL or a form, and a cookie counts
    for nothing, so the view is exempt from CSRF protection. Inside, ``request.user`` is the key's owner,
    ``request.principal`` the ``Principal``, and ``get_access_token()`` tells the scopes.

    Without a key that counts the answer is 401, without a scope 403, each with the challenge of RFC 6750 §3.

    Args:
        scopes: of those that the project's servers, or ``BASELINE_SCOPES``, name: keys can have no others.
    """
    wanted = (scopes,) if isinstance(scopes, str) else tuple(scopes)

    def steps(request: HttpRequest) -> Steps:
        try:
            principal = yield partial(_principal_of, _key_of(request))
            if not principal.has_scopes(*wanted):
                raise _refused(
                    403, "insufficient_scope", f"The key lacks a scope: it needs {' '.join(wanted)}.", wanted
                )
        except Problem as problem:
            return problem.response(request)
        _introduce(request, principal)
        with acting_for(principal):
            return (yield VIEW)

    return lambda view: csrf_exempt(around(view, steps))


def _key_of(request: HttpRequest) -> str:
    """Return the key that a request shows. Raises ``Problem`` when there is none."""
    authorization = request.headers.get("Authorization", "")
    key = bearer_of({"authorization": authorization}) or request.headers.get("X-API-Key", "").strip()
    if not key:
        raise _refused(401, "", "Show an API key: as Authorization: Bearer, or as X-API-Key.")
    return key


def _principal_of(key: str) -> Principal:
    """Return who a key stands for. For sync code. Raises ``Problem``; unknown, expired and malformed look alike."""
    well_formed = key.startswith(PREFIX) and len(key) <= MAX_KEY and key.isascii()
    found = principals_of_keys([(checksum(key), "")])[0] if well_formed else None
    if not isinstance(found, Principal):
        raise _refused(401, "invalid_token", "The API key is not valid.")
    return found


def _introduce(request: Any, principal: Principal) -> None:
    user = principal.user

    async def auser() -> Any:
        return user

    request.principal, request.user, request.auser = principal, user, auser


def _refused(status: int, error: str, detail: str, scopes: Iterable[str] = ()) -> Problem:
    parts = {"error": error, "scope": " ".join(scopes)}
    named = ", ".join(['realm="api"', *(f'{name}="{value}"' for name, value in parts.items() if value)])
    return Problem(status, detail, headers={"WWW-Authenticate": f"Bearer {named}"})
