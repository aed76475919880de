"""FAQ, block 2: What is FastMCP and how does it differ from the raw MCP SDK?"""

from mcp_django.fastmcp import FastMCP

mcp = FastMCP("first-tool")

@mcp.tool()
def add(a: int, b: int) -> int:
    """Add two numbers together."""
    return a + b
