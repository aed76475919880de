"""The coroutines with which code of its own process asks a ``FastMCP``.

Within a call they have the rights of its caller, elsewhere all rights, as the one who started this process has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async

from mcp_django.fastmcp.arguments import in_project

if TYPE_CHECKING:
    from mcp_types import ContentBlock, GetPromptResult

    from mcp_django.engine.resources import ResourceContent


class Asking:
    """What ``FastMCP`` has of them."""

    async def list_tools(self: Any) -> list[Any]:
        """Return every tool: the SDK's ``Tool``, which answers to ``inputSchema`` and to ``input_schema``."""
        await _ready(self)
        from mcp_django.fastmcp import shapes

        return await shapes.list_items(self, "tools/list")

    async def list_resources(self: Any) -> list[Any]:
        """Return every resource that isn't a template, as the SDK's ``Resource``."""
        await _ready(self)
        from mcp_django.fastmcp import shapes

        return await shapes.list_items(self, "resources/list")

    async def list_resource_templates(self: Any) -> list[Any]:
        """Return every template, as the SDK's ``ResourceTemplate``."""
        await _ready(self)
        from mcp_django.fastmcp import shapes

        return await shapes.list_items(self, "resources/templates/list")

    async def list_prompts(self: Any) -> list[Any]:
        """Return every prompt, as the SDK's ``Prompt``."""
        await _ready(self)
        from mcp_django.fastmcp import shapes

        return await shapes.list_items(self, "prompts/list")

    async def call_tool(
        self: Any, name: str, arguments: dict[str, Any]
    ) -> list[ContentBlock] | tuple[list[ContentBlock], dict[str, Any]]:
        """Call a tool. Returns its content, and with it, if it promises any, what is structured of it.

        Raises:
            ToolError: there is no such tool for this caller, or it failed.
        """
        await _ready(self)
        from mcp_django.fastmcp import shapes

        return await shapes.call_tool(self, name, arguments)

    async def read_resource(self: Any, uri: Any) -> list[ResourceContent]:
        """Read a resource. Raises ``ResourceError``."""
        await _ready(self)
        from mcp_django.fastmcp import shapes

        return await shapes.read_resource(self, str(uri))

    async def get_prompt(self: Any, name: str, arguments: dict[str, Any] | None = None) -> GetPromptResult:
        """Render a prompt. Raises ``ValueError``, as FastMCP does."""
        await _ready(self)
        from mcp_django.fastmcp import shapes

        return await shapes.get_prompt(self, name, arguments)


async def _ready(server: Any) -> None:
    """Load Django, as far as nobody has."""
    from mcp_django.fastmcp import standalone

    if in_project():
        standalone.set_up(server)
    else:  # tables are made
        await sync_to_async(standalone.set_up, thread_sensitive=False)(server)
