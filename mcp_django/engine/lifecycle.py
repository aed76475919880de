"""``initialize``, ``server/discover``, ``ping`` and ``logging/setLevel``: getting to know each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, LATEST_HANDSHAKE_VERSION, MODERN_PROTOCOL_VERSIONS

from mcp_django.conf import get_settings
from mcp_django.engine.encoding import encode
from mcp_django.engine.shaping import stamp

if TYPE_CHECKING:
    from mcp_django.engine.exchange import Exchange


_NOTHING = b"{}"
"""A result that has no stamp: 2026-07-28 has none without members."""


async def initialize(exchange: Exchange) -> bytes:
    """Answer the handshake with the revision that both sides speak, or else our newest."""
    params = exchange.params or {}
    requested = params["protocolVersion"]
    version = requested if requested in HANDSHAKE_PROTOCOL_VERSIONS else LATEST_HANDSHAKE_VERSION
    if exchange.connection is not None:
        exchange.connection.version = version
        exchange.connection.client_info = params.get("clientInfo")
        exchange.connection.client_capabilities = params.get("capabilities")
    return _instructed(
        exchange,
        protocolVersion=version,
        capabilities=capabilities(exchange) | {"logging": {}},
        serverInfo=exchange.engine.server_info,
    )


async def discover(exchange: Exchange) -> bytes:
    """Answer ``server/discover`` of 2026-07-28."""
    return _instructed(
        exchange,
        supportedVersions=list(MODERN_PROTOCOL_VERSIONS),
        capabilities=capabilities(exchange),
        ttlMs=round(get_settings().LIST_CACHE_SECONDS * 1000),
        cacheScope="private",
    )


async def ping(exchange: Exchange) -> bytes:
    """Answer that we are here."""
    return _NOTHING


async def set_level(exchange: Exchange) -> bytes:
    """Take the least severe level that the client wants, for as long as its connection is remembered."""
    if exchange.connection is not None and exchange.params is not None:
        await exchange.connection.set_log_level(exchange.params["level"])
    return _NOTHING


def _instructed(exchange: Exchange, **result: Any) -> bytes:
    instructions = exchange.engine.instructions()
    return stamp(exchange, encode(result | {"instructions": instructions} if instructions else result))


def capabilities(exchange: Exchange) -> dict[str, Any]:
    """Return what the server can do for a client of this revision."""
    remembered = exchange.modern or exchange.transport == "stdio" or get_settings().SESSIONS
    heard = exchange.channel is not None and remembered
    found: dict[str, Any] = {
        "tools": {"listChanged": heard},
        "resources": {"subscribe": heard, "listChanged": heard},
        "prompts": {"listChanged": heard},
    }
    if exchange.engine.completers or exchange.engine.fallback_completer:
        found["completions"] = {}
    return found
