"""FAQ, block 15: How do I implement scope-based access control?"""

from mcp_django.fastmcp import AuthSettings, ClientRegistrationOptions, Context, FastMCP

mcp = FastMCP("scopes")

from mcp_django.fastmcp import get_access_token

# Configure scopes
auth_settings = AuthSettings(
    issuer_url="https://myserver.com",  # Corrected: these two have no default
    resource_server_url=None,
    client_registration_options=ClientRegistrationOptions(
        valid_scopes=["read", "write", "admin", "user:profile", "data:modify"],
        default_scopes=["read"]
    )
)

@mcp.tool()
async def read_data(ctx: Context) -> dict:
    """Tool requiring read scope."""
    access_token = get_access_token()

    if not access_token or "read" not in access_token.scopes:
        raise ValueError("Read permission required")

    await ctx.info(f"Data accessed by user: {access_token.user_id}")
    return {"data": "sensitive information"}

@mcp.tool()
async def modify_user_profile(user_id: str, data: dict, ctx: Context) -> dict:
    """Tool requiring specific scopes."""
    access_token = get_access_token()

    if not access_token:
        raise ValueError("Authentication required")

    required_scopes = ["write", "user:profile"]
    if not all(scope in access_token.scopes for scope in required_scopes):
        raise ValueError(f"Required scopes: {required_scopes}")

    await ctx.info(f"Profile modified for user {user_id}")
    return {"status": "updated", "user_id": user_id}
