"""FAQ, block 24: How do I create a modular server with multiple components?"""

# modules/auth.py
from mcp_django.fastmcp import FastMCP, Context

def add_auth_tools(mcp: FastMCP):
    """Add authentication-related tools."""

    @mcp.tool()
    async def login(username: str, password: str, ctx: Context) -> dict:
        """User login."""
        await ctx.info(f"Login attempt for user: {username}")
        # Implement authentication logic
        return {"token": "auth-token", "user": username}

    @mcp.tool()
    async def logout(token: str, ctx: Context) -> bool:
        """User logout."""
        await ctx.info("User logged out")
        return True
