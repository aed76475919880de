"""``prompts/get``, and the messages that a prompt's return value becomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, InputRequiredResult, PromptMessage

from mcp_django.engine.access import admitted_call
from mcp_django.engine.content import Message
from mcp_django.engine.errors import explain
from mcp_django.engine.results import to_blocks
from mcp_django.engine.sdk import sdk_classes
from mcp_django.engine.signatures import InvalidArguments
from mcp_django.exceptions import ProtocolError, ToolError

if TYPE_CHECKING:
    from mcp_django.engine.exchange import Exchange


async def get(exchange: Exchange) -> dict[str, Any]:
    """Answer ``prompts/get``.

    Raises:
        ProtocolError: there is no such prompt for this caller, its arguments don't fit, or it failed.
    """
    params = exchange.params or {}
    prompt = await admitted_call(exchange.engine.prompts.get(params["name"]), exchange)
    if prompt is None:
        exchange.failure = exchange.failure or "unknown"
        raise ProtocolError(INVALID_PARAMS, f"Unknown prompt: {params['name']}")
    exchange.component = params["name"]
    try:
        arguments = prompt.signature.validate(params.get("arguments") or {})
        result: dict[str, Any] = await prompt.runner.run(arguments, exchange)
    except Exception as error:
        exchange.failure = type(error).__name__
        shown = explain(error, f"Prompt {params['name']!r}", ToolError)
        if isinstance(shown, ProtocolError):
            raise shown from error
        code = INVALID_PARAMS if isinstance(error, InvalidArguments) else INTERNAL_ERROR
        raise ProtocolError(code, str(shown)) from error
    if "messages" in result and prompt.listing.get("description"):
        result["description"] = prompt.listing["description"]
    return result


def to_messages(value: Any, name: str) -> dict[str, Any]:
    """Make the wire form of what a prompt returned: a string, a message, content, or a list of these.

    Raises:
        Unserialisable: JSON can't hold it.
    """
    if isinstance(value, InputRequiredResult):
        return value.model_dump(by_alias=True, mode="json", exclude_none=True)
    items = value if isinstance(value, list | tuple) else [value]
    return {"messages": [message for item in items for message in _messages(item, name)]}


def _messages(item: Any, name: str) -> list[dict[str, Any]]:
    of_sdk: tuple[type[Any], ...] = (PromptMessage, *sdk_classes("Message"))
    if isinstance(item, of_sdk):
        return [{"role": item.role, "content": to_blocks(item.content, name)[0]}]
    if isinstance(item, Mapping) and "role" in item and "content" in item:
        item = Message(item["content"], item["role"])
    role, content = (item.role, item.content) if isinstance(item, Message) else ("user", item)
    if isinstance(content, Mapping) and "type" in content:
        return [{"role": role, "content": dict(content)}]
    return [{"role": role, "content": block} for block in to_blocks(content, name)]
