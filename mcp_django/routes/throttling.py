"""How often one caller may call a view."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from django.http import HttpRequest

from mcp_django.auth.access_token import get_access_token
from mcp_django.auth.limits import client_address, take
from mcp_django.conf import parse_rate
from mcp_django.registry import Rate
from mcp_django.routes.problems import Problem
from mcp_django.routes.steps import VIEW, Steps, View, around

Key = Literal["client", "user", "address"] | Callable[[HttpRequest], str]


def throttle(rate: str | Rate, *, key: Key = "client", name: str = "") -> Callable[[View], View]:
    """Let one caller call a view, sync or async, so often; answer 429 with ``Retry-After`` beyond that.

    Calls are counted in Django's default cache, so all processes that share it count together, in fixed windows:
    ``"50/m"`` is fifty in each minute of the clock. What is refused counts as well.

    Args:
        rate: a number and a unit (s, m, h, d).
        key: who is one caller. ``"client"``: a user through one API key or OAuth client, a user of the site, or an
            address; ``"user"``: the same, all clients of a user together; ``"address"``: the address alone, with
            ``TRUSTED_PROXIES``; or a function that returns a text, which may be as long as it likes.
        name: what is counted. The same for several views counts them together. Empty: this view.

    Raises:
        ValueError: the rate or the key is none. When the view is declared.
    """
    often = rate if isinstance(rate, Rate) else Rate(*parse_rate(rate))
    if not (callable(key) or key in _CALLERS):
        raise ValueError(f"key must be {', '.join(map(repr, _CALLERS))} or a function, not {key!r}.")
    caller = _CALLERS[key] if isinstance(key, str) else lambda request: (key(request),)

    def decorate(view: View) -> View:
        what = name or f"{view.__module__}.{getattr(view, '__qualname__', type(view).__qualname__)}"

        def steps(request: HttpRequest) -> Steps:
            wait = yield partial(_take, often, what, caller, request)
            if wait is not None:
                text = f"{often.limit} requests in {often.seconds} seconds: try again in {wait} seconds."
                return Problem(429, text, headers={"Retry-After": str(wait)}).response(request)
            return (yield VIEW)

        return around(view, steps)

    return decorate


def _take(rate: Rate, what: str, caller: Callable[[HttpRequest], tuple[str, ...]], request: HttpRequest) -> int | None:
    return take(rate, "view", what, *caller(request))


def _by_client(request: HttpRequest) -> tuple[str, ...]:
    token = get_access_token()
    return _by_user(request) if token is None else ("client", token.subject, token.client_id)


def _by_user(request: HttpRequest) -> tuple[str, ...]:
    """Tell users apart, and those who haven't signed in by their addresses."""
    if (token := get_access_token()) is not None:
        return ("user", token.subject)
    user: Any = getattr(request, "user", None)  # which the session's middleware looks up only now
    return ("user", str(user.pk)) if user is not None and user.is_authenticated else _by_address(request)


def _by_address(request: HttpRequest) -> tuple[str, ...]:
    return ("address", client_address(request))


_CALLERS: dict[str, Callable[[HttpRequest], tuple[str, ...]]] = {
    "client": _by_client,
    "user": _by_user,
    "address": _by_address,
}
