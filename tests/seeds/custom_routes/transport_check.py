"""Custom Routes, block 16: Example Transport Check."""

import sys

from starlette.requests import Request
from starlette.responses import JSONResponse

from mcp_django.fastmcp import FastMCP

mcp = FastMCP("transport-check")

@mcp.custom_route("/transport-info", methods=["GET"])
async def transport_info(request: Request) -> JSONResponse:
    """Endpoint showing transport information."""
    return JSONResponse({
        "message": "This endpoint is only available on HTTP transports",
        "available_transports": ["streamable-http", "sse"],
        "current_transport": "http"
    })

if __name__ == "__main__":
    transport = sys.argv[1] if len(sys.argv) > 1 else "streamable-http"

    if transport == "stdio":
        # Corrected: over stdio, stdout is the wire.
        print("Warning: Custom routes not available with stdio transport", file=sys.stderr)

    mcp.run(transport)
