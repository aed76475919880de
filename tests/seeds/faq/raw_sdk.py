"""FAQ, block 1: What is FastMCP and how does it differ from the raw MCP SDK?"""

from mcp import types

from mcp_django.fastmcp import FastMCP

mcp = FastMCP("raw")

# Corrected: SDK 2 has no such decorators. A schema of one's own, and content as it goes to the client, are options of
# the one way to declare a tool; {...} is a set and no schema.
ADD = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
}

@mcp.tool(name="add", description="Add numbers", input_schema=ADD)
async def call_tool(**arguments) -> list[types.TextContent]:
    return [types.TextContent(type="text", text=str(arguments["a"] + arguments["b"]))]
