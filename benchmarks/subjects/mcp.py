"""Our side of the comparison."""

from __future__ import annotations

from benchmarks.subjects.functions import FUNCTIONS, add
from mcp_django import Context, MCPServer, mcp

for function in FUNCTIONS:
    mcp.add_tool(function)


@mcp.tool
async def add_aloud(a: int, b: int, ctx: Context) -> int:
    """Add two numbers, and say something first, so that the answer is an event stream."""
    await ctx.info("adding")
    return a + b


# Servers of their own: a component that asks something of its callers may cost those beside it something.
MCPServer("public", version="1.0").add_tool(add, public=True)
MCPServer("limited", version="1.0").add_tool(add, public=True, throttle="1000000/s")
