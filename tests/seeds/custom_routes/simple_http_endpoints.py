"""Custom Routes, block 1: Simple HTTP Endpoints."""

from mcp_django.fastmcp import FastMCP
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse
import time

mcp = FastMCP("custom-routes-server")

@mcp.custom_route("/health", methods=["GET"])
async def health_check(request: Request) -> JSONResponse:
    """Health check endpoint for load balancers."""
    return JSONResponse({
        "status": "healthy",
        "timestamp": time.time(),
        "server": "fastmcp-server"
    })

@mcp.custom_route("/info", methods=["GET"])
async def server_info(request: Request) -> JSONResponse:
    """Server information endpoint."""
    return JSONResponse({
        "tools_count": mcp.describe().counts["tool"],  # Corrected: the managers were private, and this attribute was never there
        "resources_count": mcp.describe().counts["resource"],  # Corrected: the managers were private, and this attribute was never there
        "prompts_count": mcp.describe().counts["prompt"],  # Corrected: the managers were private, and this attribute was never there
        "transport": "streamable-http"
    })

@mcp.custom_route("/ping", methods=["GET"])
async def ping(request: Request) -> PlainTextResponse:
    """Simple ping endpoint."""
    return PlainTextResponse("pong")

if __name__ == "__main__":
    # Custom routes available on HTTP transports only
    mcp.run("streamable-http")
