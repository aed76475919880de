"""Custom Routes, block 11: Request/Response Logging."""

import time

from starlette.requests import Request
from starlette.responses import JSONResponse

from mcp_django.fastmcp import FastMCP

mcp = FastMCP("request-logging")

from functools import wraps
import logging

logger = logging.getLogger(__name__)

def with_request_logging(func):
    """Decorator to add request/response logging."""
    @wraps(func)
    async def wrapper(request: Request):
        start_time = time.time()

        # Log request
        logger.info(f"Request: {request.method} {request.url.path}")

        try:
            response = await func(request)

            # Log successful response
            duration = time.time() - start_time
            logger.info(f"Response: {response.status_code} in {duration:.3f}s")

            return response
        except Exception as e:
            # Log error response
            duration = time.time() - start_time
            logger.error(f"Error: {e} in {duration:.3f}s")
            raise

    return wrapper

@mcp.custom_route("/api/logged", methods=["GET"])
@with_request_logging
async def logged_endpoint(request: Request) -> JSONResponse:
    """Endpoint with automatic request/response logging."""
    return JSONResponse({"message": "Request logged"})
