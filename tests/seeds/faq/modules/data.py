"""FAQ, block 24: How do I create a modular server with multiple components?"""

# modules/data.py
from mcp_django.fastmcp import Context, FastMCP  # Corrected: the file imported nothing

def add_data_tools(mcp: FastMCP):
    """Add data management tools."""

    @mcp.tool()
    async def get_user_data(user_id: str, ctx: Context) -> dict:
        """Get user data."""
        await ctx.info(f"Fetching data for user: {user_id}")
        return {"user_id": user_id, "data": "user data"}

    @mcp.resource("user://{user_id}/profile")
    def user_profile(user_id: str) -> dict:
        """User profile resource."""
        return {"user_id": user_id, "profile": "profile data"}
