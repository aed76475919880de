"""``initialize``, ``server/discover``, ``ping`` and ``logging/setLevel``: getting to know each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, LATEST_HANDSHAKE_VERSION, MODERN_PROTOCOL_VERSIONS

from mcp_django.conf import get_settings

if TYPE_CHECKING:
    from mcp_django.engine.exchange import Exchange


async def initialize(exchange: Exchange) -> dict[str, Any]:
    """Answer the handshake with the revision that both sides speak, or else our newest."""
    params = exchange.params or {}
    requested = params["protocolVersion"]
    version = requested if requested in HANDSHAKE_PROTOCOL_VERSIONS else LATEST_HANDSHAKE_VERSION
    if exchange.connection is not None:
        exchange.connection.version = version
        exchange.connection.client_info = params.get("clientInfo")
        exchange.connection.client_capabilities = params.get("capabilities")
    result = {
        "protocolVersion": version,
        "capabilities": capabilities(exchange) | {"logging": {}},
        "serverInfo": exchange.engine.server_info,
    }
    instructions = exchange.engine.instructions()
    return result | {"instructions": instructions} if instructions else result


async def discover(exchange: Exchange) -> dict[str, Any]:
    """Answer ``server/discover`` of 2026-07-28."""
    result: dict[str, Any] = {
        "supportedVersions": list(MODERN_PROTOCOL_VERSIONS),
        "capabilities": capabilities(exchange),
        "ttlMs": round(get_settings().LIST_CACHE_SECONDS * 1000),
        "cacheScope": "private",
    }
    instructions = exchange.engine.instructions()
    return result | {"instructions": instructions} if instructions else result


async def ping(exchange: Exchange) -> dict[str, Any]:
    """Answer that we are here."""
    return {}


async def set_level(exchange: Exchange) -> dict[str, Any]:
    """Take the least severe level that the client wants, for as long as its connection is remembered."""
    if exchange.connection is not None and exchange.params is not None:
        await exchange.connection.set_log_level(exchange.params["level"])
    return {}


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
