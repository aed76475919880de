"""Custom Routes, block 9: Admin Interface Routes."""

import sys
import time

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from mcp_django.fastmcp import FastMCP, get_access_token

mcp = FastMCP("admin-routes")

start_time = time.time()


@mcp.tool()
def add(a: int, b: int) -> int:
    """Add two numbers together."""
    return a + b


# Supplied: the block calls these two and defines none of them.
def get_memory_usage() -> int:
    return 1


def get_cpu_usage() -> float:
    return 0.5


@mcp.custom_route("/admin/status", methods=["GET"])
async def admin_status(request: Request) -> JSONResponse:
    """Admin status dashboard endpoint."""
    # Check admin authentication
    access_token = get_access_token()
    if not access_token or "admin" not in access_token.scopes:
        raise HTTPException(
            status_code=403,
            detail="Admin access required"
        )

    return JSONResponse({
        "server_info": {
            "name": mcp.name,
            "uptime": time.time() - start_time,
            "tools": mcp.describe().counts["tool"],  # Corrected: the managers were private, and this attribute was never there
            "resources": mcp.describe().counts["resource"],  # Corrected: the managers were private, and this attribute was never there
            "prompts": mcp.describe().counts["prompt"]  # Corrected: the managers were private, and this attribute was never there
        },
        "system_info": {
            "python_version": sys.version,
            "platform": sys.platform,
            "memory_usage": get_memory_usage(),
            "cpu_usage": get_cpu_usage()
        }
    })

@mcp.custom_route("/admin/tools", methods=["GET", "POST"])
async def admin_tools(request: Request) -> JSONResponse:
    """Admin tools management endpoint."""
    access_token = get_access_token()
    if not access_token or "admin" not in access_token.scopes:
        raise HTTPException(status_code=403, detail="Admin access required")

    if request.method == "GET":
        # List all tools
        tools = []
        for tool_info in await mcp.list_tools():  # Corrected: _tool_manager.tools was never there
            tools.append({
                "name": tool_info.name,
                "description": tool_info.description,
                "parameters": tool_info.inputSchema
            })
        return JSONResponse({"tools": tools})

    elif request.method == "POST":
        # Tool management actions
        body = await request.json()
        action = body.get("action")

        if action == "reload":
            # Reload tool configuration
            await mcp.areload()  # Corrected: the manager had no such method
            return JSONResponse({"status": "tools_reloaded"})

        elif action == "disable":
            tool_name = body.get("tool_name")
            await mcp.adisable("tool", tool_name)  # Corrected: the manager had no such method
            return JSONResponse({"status": "tool_disabled", "tool": tool_name})

        else:
            return JSONResponse(
                {"error": f"Unknown action: {action}"},
                status_code=400
            )
