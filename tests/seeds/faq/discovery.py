"""FAQ, block 22: My tools aren't being discovered. What's wrong?"""

import sys

from mcp_django.fastmcp import FastMCP, InvalidSignature

# ❌ Wrong: Tool defined after mcp.run()
mcp = FastMCP("My Server")

if __name__ == "__main__":
    mcp.run("stdio")

@mcp.tool()  # This won't work - defined after run()
def late_tool() -> str:
    return "This won't be registered"

# ✅ Correct: Tools defined before mcp.run()
mcp = FastMCP("My Correct Server")  # Corrected: a project has one server of a name

@mcp.tool()
def early_tool() -> str:
    return "This will work"

if __name__ == "__main__":
    mcp.run("stdio")

# ❌ Wrong: Missing type annotations
@mcp.tool()
def bad_tool(x, y):  # No type annotations
    return x + y

# ✅ Correct: Proper type annotations
@mcp.tool()
def good_tool(x: int, y: int) -> int:
    return x + y

# ❌ Wrong: Invalid function signature
try:  # Corrected: it was accepted, with a schema that made no sense; now it is refused where it is declared
    @mcp.tool()
    def invalid_tool(*args, **kwargs) -> str:  # Can't use *args/**kwargs
        return "Invalid"
except InvalidSignature as error:
    refused = str(error)

# ✅ Correct: Explicit parameters
@mcp.tool()
def valid_tool(a: str, b: int = 10) -> str:
    return f"{a}: {b}"

# Check if tools are registered
# Corrected: _tool_manager.tools was never there, and over stdio, stdout is the wire.
def print_tools():
    print(f"Registered tools: {[each.name for each in mcp.describe().components]}", file=sys.stderr)
