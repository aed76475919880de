"""How often one caller may call one component."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_types import INTERNAL_ERROR

from mcp_django.auth.events import tell_refusal
from mcp_django.auth.limits import address_of, atake
from mcp_django.exceptions import ProtocolError
from mcp_django.registry import Rate

if TYPE_CHECKING:
    from mcp_django.engine.compile import Component
    from mcp_django.engine.exchange import Exchange


class Throttled(ProtocolError):
    """Too many calls of one component by one caller."""

    http_status = 429
    reason = "throttled"

    def __init__(self, name: str, rate: Rate, wait: int) -> None:
        text = f"{name} takes {rate.limit} calls in {rate.seconds} seconds: try again in {wait} seconds."
        super().__init__(INTERNAL_ERROR, text, {"retryAfterSeconds": wait})
        self.http_headers = ((b"retry-after", str(wait).encode("ascii")),)


async def check_rate(rate: Rate, component: Component, exchange: Exchange) -> None:
    """Count a call. Raises ``Throttled`` when it is one too many."""
    name = f"{component.declaration.kind} {component.key!r}"
    wait = await atake(rate, "component", exchange.engine.declared.path, name, *_caller(exchange))
    if wait is not None:
        exchange.key = component.key
        await tell_refusal("throttled", exchange.engine.declared.path, exchange.principal, name)
        raise Throttled(name.capitalize(), rate, wait)


def _caller(exchange: Exchange) -> tuple[str, str]:
    """Return who calls. Nobody who signed in is told apart by their address."""
    if any(exchange.principal.owner):
        return exchange.principal.owner
    peer = (exchange.scope or {}).get("client") or ("",)
    forwarded = (exchange.headers or {}).get("x-forwarded-for", "")
    return ("", f"address {address_of(str(peer[0]), forwarded)}")
