"""Asking a server from code of its own process, with the answers in the shapes of SDK 1.30."""

from __future__ import annotations

from typing import Any

from mcp_types import (
    CallToolResult,
    ContentBlock,
    GetPromptResult,
    Prompt,
    Resource,
    ResourceTemplate,
    Tool,
)
from mcp_types.version import LATEST_HANDSHAKE_VERSION
from pydantic import BaseModel
from pydantic.alias_generators import to_snake

from mcp_django.auth import LOCAL
from mcp_django.auth.access_token import acting_for, current_principal
from mcp_django.engine import prompts, tools
from mcp_django.engine.exchange import Exchange
from mcp_django.engine.resources import ResourceContent
from mcp_django.engine.server import get_engine
from mcp_django.exceptions import ProtocolError, ToolError
from mcp_django.registry import MCPServer


class _CamelCase(BaseModel):
    """Lets the attributes of a model of SDK 2 be read by their names in SDK 1 as well: ``inputSchema``."""

    def __getattr__(self, name: str) -> Any:
        snake = to_snake(name)
        if snake != name and snake in type(self).model_fields:
            return getattr(self, snake)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


class _Tool(_CamelCase, Tool):
    pass


class _Resource(_CamelCase, Resource):
    pass


class _ResourceTemplate(_CamelCase, ResourceTemplate):
    pass


class _Prompt(_CamelCase, Prompt):
    pass


_ITEMS: dict[str, type[BaseModel]] = {
    "tools/list": _Tool,
    "resources/list": _Resource,
    "resources/templates/list": _ResourceTemplate,
    "prompts/list": _Prompt,
}


async def list_items(server: MCPServer, method: str) -> list[Any]:
    """Return all items of a list, whoever asks: the author's code asks, and no client."""
    return [_ITEMS[method].model_validate(item) for item in get_engine(server).listings[method].items]


async def call_tool(
    server: MCPServer, name: str, arguments: dict[str, Any]
) -> list[ContentBlock] | tuple[list[ContentBlock], dict[str, Any]]:
    """Call a tool. Raises ``ToolError``."""
    exchange = _exchange(server, "tools/call", {"name": name, "arguments": arguments})
    try:
        with acting_for(exchange.principal):
            made = await tools.call(exchange)
    except ProtocolError as error:
        raise ToolError(error.message) from error
    finally:
        exchange.close()
    if isinstance(made, bytes):
        result = CallToolResult.model_validate_json(made)
    else:
        result = CallToolResult.model_validate(made)
    if result.is_error:
        raise ToolError("\n".join(getattr(block, "text", "") for block in result.content))
    if result.structured_content is None:
        return result.content
    return result.content, result.structured_content


async def read_resource(server: MCPServer, uri: str) -> list[ResourceContent]:
    """Read a resource. Raises ``ResourceError``."""
    exchange = _exchange(server, "resources/read", {"uri": uri})
    try:
        with acting_for(exchange.principal):
            return await exchange.engine.read_resource(uri, exchange)
    finally:
        exchange.close()


async def get_prompt(server: MCPServer, name: str, arguments: dict[str, Any] | None) -> GetPromptResult:
    """Render a prompt. Raises ``ValueError``."""
    exchange = _exchange(server, "prompts/get", {"name": name, "arguments": arguments or {}})
    try:
        with acting_for(exchange.principal):
            return GetPromptResult.model_validate(await prompts.get(exchange))
    except ProtocolError as error:
        raise ValueError(error.message) from error
    finally:
        exchange.close()


def _exchange(server: MCPServer, method: str, params: dict[str, Any]) -> Exchange:
    return Exchange(
        engine=get_engine(server),
        method=method,
        params=params,
        request_id=0,
        version=LATEST_HANDSHAKE_VERSION,
        transport="stdio",
        principal=current_principal() or LOCAL,
    )
