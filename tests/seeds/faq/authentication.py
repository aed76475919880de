"""FAQ, block 14: How do I add authentication to my FastMCP server?"""

from mcp_django.fastmcp import FastMCP
from mcp_django.fastmcp import OAuthAuthorizationServerProvider
from mcp_django.fastmcp import AuthSettings, ClientRegistrationOptions
from mcp_django.fastmcp import get_access_token
from starlette.requests import Request
from starlette.responses import JSONResponse

# Create custom OAuth provider
class MyOAuthProvider(OAuthAuthorizationServerProvider):
    def __init__(self):
        super().__init__(provider_id="my-provider")

    async def authorize(self, request) -> str:
        # Implement authorization logic
        return "auth-code-123"

    async def token(self, request) -> dict:
        # Implement token exchange
        return {
            "access_token": "token-123",
            "token_type": "bearer",
            "scope": "read write"
        }

# Configure authentication
oauth_provider = MyOAuthProvider()
auth_settings = AuthSettings(
    issuer_url="https://myserver.com",
    resource_server_url=None,  # Corrected: it has no default
    client_registration_options=ClientRegistrationOptions(
        valid_scopes=["read", "write", "admin"],
        default_scopes=["read"]
    )
)

mcp = FastMCP(
    "Secure Server",
    auth_server_provider=oauth_provider,
    auth=auth_settings
)

@mcp.tool()
async def protected_tool(data: str) -> str:
    """Tool that requires authentication."""
    access_token = get_access_token()

    if not access_token:
        raise ValueError("Authentication required")

    if "write" not in access_token.scopes:
        raise ValueError("Insufficient permissions")

    return f"Processed: {data} for user {access_token.user_id}"

if __name__ == "__main__":
    mcp.run("streamable-http")  # Authentication requires HTTP transport
