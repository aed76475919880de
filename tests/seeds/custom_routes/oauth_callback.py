"""Custom Routes, block 5: OAuth Callback Implementation."""

import logging
import secrets
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse

from mcp_django.fastmcp import FastMCP

mcp = FastMCP("oauth-callback")

logger = logging.getLogger(__name__)


# Supplied: the block calls it and doesn't define it.
async def exchange_oauth_code(code: str, state: str) -> str:
    if code != "good":
        raise ValueError("The other server refuses the code.")
    return "a token that stays here"


from mcp_django.fastmcp import get_access_token
from starlette.exceptions import HTTPException

@mcp.custom_route("/oauth/callback", methods=["GET"])
async def oauth_callback(request: Request) -> RedirectResponse:
    """OAuth callback handler for third-party authentication."""
    code = request.query_params.get("code")
    state = request.query_params.get("state")
    error = request.query_params.get("error")

    if error:
        return RedirectResponse(
            "/auth/error?" + urlencode({"error": error}),  # Corrected: it was put into the URL as it came
            status_code=302
        )

    if not code or not state:
        return JSONResponse(
            {"error": "Missing code or state parameter"},
            status_code=400
        )

    # Corrected: nobody looked whether this browser had begun the sign-in that ends here (RFC 6749 section 10.12).
    if not secrets.compare_digest(state, request.cookies.get("oauth_state", "")):
        return JSONResponse({"error": "Unknown state"}, status_code=400)

    try:
        # Exchange code for token (implement OAuth flow)
        await exchange_oauth_code(code, state)

        # Redirect to success page
        return RedirectResponse(
            "/auth/success",  # Corrected: a token in a URL is in every log on the way
            status_code=302
        )
    except Exception as e:
        logger.error(f"OAuth callback error: {e}")
        return RedirectResponse(
            "/auth/error?error=server_error",
            status_code=302
        )

@mcp.custom_route("/protected", methods=["GET"])
async def protected_endpoint(request: Request) -> JSONResponse:
    """Protected endpoint requiring authentication."""
    # Check authentication
    access_token = get_access_token()
    if not access_token:
        raise HTTPException(
            status_code=401,
            detail="Authentication required"
        )

    # Check permissions
    required_scopes = ["read", "write"]
    if not all(scope in access_token.scopes for scope in required_scopes):
        raise HTTPException(
            status_code=403,
            detail="Insufficient permissions"
        )

    return JSONResponse({
        "message": "Access granted",
        "user_id": access_token.user_id,
        "scopes": access_token.scopes
    })
