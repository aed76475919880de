"""FastMCP 4 and its HTTP app."""

from __future__ import annotations

from fastmcp import FastMCP

mcp = FastMCP("benchmarks")


@mcp.tool
async def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


application = mcp.http_app(path="/mcp", json_response=True)
