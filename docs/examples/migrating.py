"""Code from FastMCP: what the page how-to/migrate-from-fastmcp.md shows."""

from __future__ import annotations

# region: server
from mcp_django.fastmcp import Context, FastMCP  # was: from mcp.server.fastmcp import Context, FastMCP

mcp = FastMCP("My First Server")


@mcp.tool()
async def greet(name: str, ctx: Context) -> str:
    """Greet someone by name."""
    await ctx.info(f"Greeting {name}")
    return f"Hello, {name}!"


if __name__ == "__main__":
    mcp.run("stdio")
# endregion
