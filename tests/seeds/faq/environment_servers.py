"""FAQ, block 18: What environment variables does FastMCP support?"""

from mcp_django.fastmcp import FastMCP

# All settings can be configured via environment variables
mcp = FastMCP("Env Server")  # Will use FASTMCP_* environment variables

# Or override specific settings
mcp = FastMCP("Mixed Server", debug=True)  # debug=True overrides FASTMCP_DEBUG
