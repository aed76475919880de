"""FAQ, block 28: How do I deploy my FastMCP server to production?"""

import time

from starlette.responses import JSONResponse

from django.db import connection
from asgiref.sync import sync_to_async

healthy = {"services": True}


# Supplied: the block calls these two and defines none of them.
async def check_database_connection():
    await sync_to_async(connection.ensure_connection)()


async def check_external_services():
    if not healthy["services"]:
        raise RuntimeError("The other service is away.")


import os
import logging
from mcp_django.fastmcp import FastMCP, Context

# Configure logging for production
logging.basicConfig(
    level=logging.INFO,
    format='%(asctime)s - %(name)s - %(levelname)s - %(message)s'
)

# Production configuration
mcp = FastMCP(
    "Production Server",
    host=os.getenv("FASTMCP_HOST", "0.0.0.0"),
    port=int(os.getenv("FASTMCP_PORT", "8000")),
    debug=os.getenv("FASTMCP_DEBUG", "false").lower() == "true",
    log_level=os.getenv("FASTMCP_LOG_LEVEL", "INFO")
)

# Health check endpoint
@mcp.custom_route("/health", methods=["GET"])
async def health_check(request):
    """Production health check."""
    return JSONResponse({
        "status": "healthy",
        "timestamp": time.time(),
        "version": os.getenv("APP_VERSION", "unknown")
    })

# Ready check endpoint
@mcp.custom_route("/ready", methods=["GET"])
async def readiness_check(request):
    """Readiness probe for Kubernetes."""
    try:
        # Check database connection
        await check_database_connection()

        # Check other dependencies
        await check_external_services()

        return JSONResponse({"status": "ready"})
    except Exception as e:
        return JSONResponse(
            {"status": "not ready", "error": str(e)},
            status_code=503
        )

if __name__ == "__main__":
    mcp.run("streamable-http")
