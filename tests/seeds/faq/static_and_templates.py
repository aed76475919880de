"""FAQ, block 11: What's the difference between static resources and resource templates?"""

from pathlib import Path

from django.conf import settings

from mcp_django.fastmcp import FastMCP

mcp = FastMCP("static-and-templates")

ROOT = Path(settings.MEDIA_ROOT)  # Supplied: the blocks name folders of one machine

# Static resource - fixed URI
@mcp.resource("config://app-settings")
def app_config() -> dict:
    """Application configuration."""
    return {
        "version": "1.0",
        "debug": False,
        "max_connections": 100
    }

# Resource template - dynamic URI with parameters
@mcp.resource("user://{user_id}/profile")
def user_profile(user_id: str) -> dict:
    """Get user profile by ID."""
    return {
        "user_id": user_id,
        "name": f"User {user_id}",
        "profile_data": "..."
    }

# Multiple parameters
@mcp.resource("files://{category}/{filename}")
def get_file(category: str, filename: str) -> str:
    """Get file content by category and name."""
    file_path = ROOT / "data" / category / filename
    with open(file_path, 'r') as f:
        return f.read()
