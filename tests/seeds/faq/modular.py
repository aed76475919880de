"""FAQ, block 24: How do I create a modular server with multiple components?"""

# main.py
from mcp_django.fastmcp import Context, FastMCP  # Corrected: the file imported nothing
from tests.seeds.faq.modules.auth import add_auth_tools
from tests.seeds.faq.modules.data import add_data_tools

mcp = FastMCP("Modular Server")

# Add modules
add_auth_tools(mcp)
add_data_tools(mcp)

# Add main tools
@mcp.tool()
async def server_status(ctx: Context) -> dict:
    """Get server status."""
    return {
        "status": "running",
        "tools": mcp.describe().counts["tool"],  # Corrected: the managers were private, and this attribute was never there
        "resources": mcp.describe().counts["resource"]  # Corrected: the managers were private, and this attribute was never there
    }

if __name__ == "__main__":
    mcp.run("streamable-http")
