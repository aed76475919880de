"""Custom Routes, block 3: Query Parameters and Headers."""

from starlette.requests import Request
from starlette.responses import JSONResponse

from mcp_django.fastmcp import FastMCP

mcp = FastMCP("query-and-headers")

@mcp.custom_route("/search", methods=["GET"])
async def search_endpoint(request: Request) -> JSONResponse:
    """Search endpoint with query parameters and header processing."""
    # Query parameters
    query = request.query_params.get("q", "")
    try:  # Corrected: limit=abc was a crash, answered with 500
        limit = int(request.query_params.get("limit", "10"))
        offset = int(request.query_params.get("offset", "0"))
    except ValueError:
        return JSONResponse({"error": "limit and offset must be numbers"}, status_code=400)

    # Headers
    user_agent = request.headers.get("user-agent", "unknown")
    accept_language = request.headers.get("accept-language", "en")
    client_ip = request.client.host if request.client else "unknown"

    # Simulate search
    results = []
    if query:
        results = [
            {"id": i, "title": f"Result {i} for '{query}'"}
            for i in range(offset, min(offset + limit, offset + 50))
        ]

    return JSONResponse({
        "query": query,
        "results": results,
        "pagination": {
            "limit": limit,
            "offset": offset,
            "total": len(results)
        },
        "meta": {
            "user_agent": user_agent,
            "accept_language": accept_language,
            "client_ip": client_ip
        }
    })
