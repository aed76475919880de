"""Custom Routes, block 12: Rate Limiting."""

import time
from functools import wraps

from starlette.requests import Request
from starlette.responses import JSONResponse

from mcp_django.fastmcp import FastMCP

mcp = FastMCP("rate-limiting")

from collections import defaultdict
import asyncio

class RateLimiter:
    """Simple in-memory rate limiter."""

    def __init__(self, max_requests: int = 100, window_seconds: int = 60):
        self.max_requests = max_requests
        self.window_seconds = window_seconds
        self.requests = defaultdict(list)

    async def is_allowed(self, identifier: str) -> bool:
        """Check if request is within rate limit."""
        now = time.time()
        window_start = now - self.window_seconds

        # Clean old requests
        self.requests[identifier] = [
            req_time for req_time in self.requests[identifier]
            if req_time > window_start
        ]

        # Check current count
        if len(self.requests[identifier]) >= self.max_requests:
            return False

        # Record this request
        self.requests[identifier].append(now)
        return True

rate_limiter = RateLimiter(max_requests=50, window_seconds=60)

def with_rate_limiting(limiter: RateLimiter):
    """Decorator to add rate limiting."""
    def decorator(func):
        @wraps(func)
        async def wrapper(request: Request):
            # Use IP address as identifier
            client_ip = request.client.host if request.client else "unknown"

            if not await limiter.is_allowed(client_ip):
                return JSONResponse(
                    {"error": "Rate limit exceeded. Try again later."},
                    status_code=429
                )

            return await func(request)
        return wrapper
    return decorator

@mcp.custom_route("/api/limited", methods=["GET"])
@with_rate_limiting(rate_limiter)
async def rate_limited_endpoint(request: Request) -> JSONResponse:
    """Endpoint with rate limiting."""
    return JSONResponse({"message": "Request within rate limit"})
