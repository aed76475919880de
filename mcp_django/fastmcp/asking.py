"""The coroutines with which code of its own process asks a ``FastMCP``.

Within a call they have the rights of its caller, elsewhere all rights, as the one who started this process has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp_types import ContentBlock, GetPromptResult

    from mcp_django.engine.resources import ResourceContent


class Asking:
    """What ``FastMCP`` has of them."""

    async def list_tools(self) -> list[Any]:
        """Return every tool: the SDK's ``Tool``, which answers to ``inputSchema`` and to ``input_schema``."""
        found: Any = await _ready(self).list_items(self, "tools/list")
        return found

    async def list_resources(self) -> list[Any]:
        """Return every resource that isn't a template, as the SDK's ``Resource``."""
        found: Any = await _ready(self).list_items(self, "resources/list")
        return found

    async def list_resource_templates(self) -> list[Any]:
        """Return every template, as the SDK's ``ResourceTemplate``."""
        found: Any = await _ready(self).list_items(self, "resources/templates/list")
        return found

    async def list_prompts(self) -> list[Any]:
        """Return every prompt, as the SDK's ``Prompt``."""
        found: Any = await _ready(self).list_items(self, "prompts/list")
        return found

    async def call_tool(
        self, name: str, arguments: dict[str, Any]
    ) -> list[ContentBlock] | tuple[list[ContentBlock], dict[str, Any]]:
        """Call a tool. Returns its content, and with it, if it promises any, what is structured of it.

        Raises:
            ToolError: there is no such tool for this caller, or it failed.
        """
        found: Any = await _ready(self).call_tool(self, name, arguments)
        return found

    async def read_resource(self, uri: Any) -> list[ResourceContent]:
        """Read a resource. Raises ``ResourceError``."""
        found: Any = await _ready(self).read_resource(self, str(uri))
        return found

    async def get_prompt(self, name: str, arguments: dict[str, Any] | None = None) -> GetPromptResult:
        """Render a prompt. Raises ``ValueError``, as FastMCP does."""
        found: Any = await _ready(self).get_prompt(self, name, arguments)
        return found


def _ready(server: Any) -> Any:
    """Load what answers: it takes the SDK, and Django."""
    from mcp_django.fastmcp import standalone

    standalone.set_up(server)
    from mcp_django.fastmcp import shapes

    return shapes
