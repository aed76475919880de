"""FAQ, block 25: Can I create custom HTTP routes alongside my MCP server?"""

import os

from django.conf import settings

from mcp_django.fastmcp import FastMCP

mcp = FastMCP("custom-http-routes")

handled = []


# Supplied: the block calls it and doesn't define it.
async def handle_user_update(data):
    handled.append(data)


from starlette.requests import Request
from starlette.responses import JSONResponse, FileResponse
import time

start_time = time.time()  # Corrected: nothing set it

@mcp.custom_route("/health", methods=["GET"])
async def health_check(request: Request) -> JSONResponse:
    """Health check endpoint."""
    return JSONResponse({
        "status": "healthy",
        "timestamp": time.time(),
        "server": mcp.name
    })

@mcp.custom_route("/api/stats", methods=["GET"])
async def server_stats(request: Request) -> JSONResponse:
    """Server statistics API."""
    return JSONResponse({
        "tools": mcp.describe().counts["tool"],  # Corrected: the managers were private, and this attribute was never there
        "resources": mcp.describe().counts["resource"],  # Corrected: the managers were private, and this attribute was never there
        "uptime": time.time() - start_time
    })

@mcp.custom_route("/download/{filename}", methods=["GET"])
async def download_file(request: Request) -> FileResponse:
    """File download endpoint."""
    filename = request.path_params["filename"]
    file_path = os.path.join(settings.MEDIA_ROOT, filename)  # Corrected: a folder of the project

    if ".." in filename or not os.path.isfile(file_path):
        return JSONResponse({"error": "File not found"}, status_code=404)

    return FileResponse(file_path, filename=filename)

@mcp.custom_route("/webhook", methods=["POST"])
async def webhook_handler(request: Request) -> JSONResponse:
    """Webhook endpoint for external integrations."""
    try:
        payload = await request.json()

        # Process webhook
        event_type = payload.get("type")
        if event_type == "user_update":
            await handle_user_update(payload["data"])

        return JSONResponse({"status": "processed"})

    except Exception as e:
        return JSONResponse(
            {"error": str(e)},
            status_code=400
        )
