"""Turn any Django project into an MCP server one would dare to run in production.

The public names are bound when first used, so importing this package loads neither the SDK nor pydantic: a project
with an ``mcp.py`` in every app still starts ``manage.py migrate`` at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp_django.engine.content import AssistantMessage, Audio, Image, Message, Progress, UserMessage
    from mcp_django.engine.context import Context
    from mcp_django.exceptions import ResourceError, ToolError
    from mcp_django.registry import Blueprint, MCPServer, mcp

__version__ = "0.1.0"

__all__ = [
    "AssistantMessage",
    "Audio",
    "Blueprint",
    "Context",
    "Image",
    "MCPServer",
    "Message",
    "Progress",
    "ResourceError",
    "ToolError",
    "UserMessage",
    "mcp",
]

_HOMES = {
    "mcp_django.engine.content": ("AssistantMessage", "Audio", "Image", "Message", "Progress", "UserMessage"),
    "mcp_django.engine.context": ("Context",),
    "mcp_django.exceptions": ("ResourceError", "ToolError"),
    "mcp_django.registry": ("Blueprint", "MCPServer", "mcp"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
