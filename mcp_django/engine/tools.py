"""``tools/call``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_types import INVALID_PARAMS

from mcp_django.engine.access import admitted_call, asks_nothing
from mcp_django.engine.encoding import encode
from mcp_django.engine.errors import explain
from mcp_django.engine.shaping import stamp
from mcp_django.exceptions import ProtocolError, ToolError

if TYPE_CHECKING:
    from mcp_django.engine.compile import Tool
    from mcp_django.engine.exchange import Exchange


async def call(exchange: Exchange) -> dict[str, Any] | bytes:
    """Answer ``tools/call``. A tool that fails answers with a result that says so, which the model can read.

    Raises:
        ProtocolError: there is no such tool for this caller, a mirrored header disagrees, or the tool raised one.
    """
    params = exchange.params or {}
    tool = exchange.engine.tools.get(params["name"])
    if not asks_nothing(exchange):
        tool = await admitted_call(tool, exchange)
    if tool is None:
        exchange.failure = exchange.failure or "unknown"
        raise ProtocolError(INVALID_PARAMS, f"Unknown tool: {params['name']}")
    arguments = params.get("arguments") or {}
    if tool.mirrored and exchange.modern and exchange.headers is not None:
        _check_mirror(tool, arguments, exchange)
    exchange.component = params["name"]
    try:
        result: dict[str, Any] | bytes = await tool.runner.run(tool.signature.validate(arguments), exchange)
    except Exception as error:
        exchange.failure = type(error).__name__
        shown = explain(error, f"Tool {params['name']!r}", ToolError)
        if isinstance(shown, ProtocolError):
            raise shown from error
        return stamp(exchange, encode({"content": [{"type": "text", "text": str(shown)}], "isError": True}))
    if isinstance(result, bytes):
        return stamp(exchange, result)
    if result.get("isError"):
        exchange.failure = "isError"
    return result


def _check_mirror(tool: Tool, arguments: dict[str, Any], exchange: Exchange) -> None:
    """Compare ``Mcp-Param-*`` headers with the arguments (2026-07-28, transports, Custom Headers)."""
    from mcp.shared.inbound import validate_mcp_param_headers

    rejection = validate_mcp_param_headers(tool.signature.schema, arguments, exchange.headers or {})
    if rejection is not None:
        raise ProtocolError(rejection.code, rejection.message, rejection.data)
