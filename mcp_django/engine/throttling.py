"""How often one caller may call one component: a counter for each window of time, in Django's cache."""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from time import time
from typing import TYPE_CHECKING

from django.core.cache import cache
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR

from mcp_django.auth.errands import on_errand
from mcp_django.auth.events import tell_refusal
from mcp_django.registry import Rate

if TYPE_CHECKING:
    from mcp_django.engine.compile import Component
    from mcp_django.engine.exchange import Exchange


class Throttled(MCPError):
    """Too many calls of one component by one caller."""

    http_status = 429

    def __init__(self, name: str, rate: Rate, wait: int) -> None:
        text = f"{name} takes {rate.limit} calls in {rate.seconds} seconds: try again in {wait} seconds."
        super().__init__(INTERNAL_ERROR, text, {"retryAfterSeconds": wait})
        self.http_headers = ((b"retry-after", str(wait).encode("ascii")),)


async def check_rate(rate: Rate, component: Component, exchange: Exchange) -> None:
    """Count a call. Raises ``Throttled`` when it is one too many."""
    name = f"{component.declaration.kind} {component.key!r}"
    now = time()
    window = int(now // rate.seconds)
    key = _key(exchange, name, window)
    count = await on_errand(partial(_count, key, rate.seconds))
    if count > rate.limit:
        await tell_refusal("throttled", exchange.engine.declared.path, exchange.principal, name)
        raise Throttled(name.capitalize(), rate, max(1, round((window + 1) * rate.seconds - now)))


def _count(key: str, seconds: int) -> int:
    """Count one more in this window, and return how many it has been."""
    if cache.add(key, 1, timeout=seconds + 1):
        return 1
    try:
        return cache.incr(key)
    except ValueError:  # it expired in this moment
        cache.add(key, 1, timeout=seconds + 1)
        return 1


def _key(exchange: Exchange, name: str, window: int) -> str:
    """Name the counter. Nobody who signed in is told apart by their address."""
    caller = exchange.principal.owner
    if not any(caller):
        address = (exchange.scope or {}).get("client") or ("",)
        caller = ("", f"address {address[0]}")
    parts = "\n".join((exchange.engine.declared.path, name, *caller, str(window)))
    return f"mcp_django.throttle.{sha256(parts.encode()).hexdigest()}"
