"""FAQ, block 5: How do I install and run my first FastMCP server?"""

from mcp_django.fastmcp import FastMCP, Context

mcp = FastMCP("My First Server")

@mcp.tool()
def greet(name: str) -> str:
    """Greet someone by name."""
    return f"Hello, {name}!"

@mcp.tool()
async def async_example(message: str, ctx: Context) -> str:
    """Example with logging and context."""
    await ctx.info(f"Processing message: {message}")
    return f"Processed: {message}"

if __name__ == "__main__":
    mcp.run("stdio")  # Change to "streamable-http" for web
