"""Custom Routes, block 6: API Key Authentication."""

import time

from starlette.requests import Request
from starlette.responses import JSONResponse

from mcp_django.fastmcp import FastMCP

mcp = FastMCP("api-keys")

import hashlib
import hmac

API_KEYS = {
    "client1": "secret-key-1",
    "client2": "secret-key-2"
}

def validate_api_key(request: Request) -> str | None:
    """Validate API key from header."""
    # Check header
    api_key = request.headers.get("x-api-key") or ""  # Corrected: a key in the URL is in every log on the way

    # Find client ID by API key
    for client_id, key in API_KEYS.items():
        if hmac.compare_digest(key, api_key):  # Corrected: == takes longer the more of a guess is right
            return client_id

    return None

@mcp.custom_route("/api/secure", methods=["GET", "POST"])
async def secure_api_endpoint(request: Request) -> JSONResponse:
    """API endpoint with API key authentication."""
    client_id = validate_api_key(request)
    if not client_id:
        return JSONResponse(
            {"error": "Invalid or missing API key"},
            status_code=401
        )

    if request.method == "GET":
        return JSONResponse({
            "message": "Authenticated GET request",
            "client_id": client_id,
            "timestamp": time.time()
        })

    elif request.method == "POST":
        body = await request.json()
        return JSONResponse({
            "message": "Authenticated POST request",
            "client_id": client_id,
            "received_data": body
        })
