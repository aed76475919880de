"""Custom Routes, block 2: Route Configuration Options."""

from starlette.requests import Request
from starlette.responses import JSONResponse

from mcp_django.fastmcp import FastMCP

mcp = FastMCP("route-configuration")

@mcp.custom_route(
    path="/api/v1/users/{user_id}",    # Path with parameters
    methods=["GET", "PUT", "DELETE"],   # Multiple HTTP methods
    name="user_detail",                 # Route name for URL reversal
    include_in_schema=True              # Include in OpenAPI schema
)
async def user_detail(request: Request) -> JSONResponse:
    """User detail endpoint with path parameters."""
    user_id = request.path_params["user_id"]
    method = request.method

    if method == "GET":
        return JSONResponse({"user_id": user_id, "action": "get"})
    elif method == "PUT":
        body = await request.json()
        return JSONResponse({"user_id": user_id, "action": "update", "data": body})
    elif method == "DELETE":
        return JSONResponse({"user_id": user_id, "action": "delete"})
