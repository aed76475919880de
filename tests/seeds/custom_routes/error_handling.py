"""Custom Routes, block 13: Comprehensive Error Handling."""

import json
import logging
import time
from functools import wraps

from starlette.requests import Request
from starlette.responses import JSONResponse

from mcp_django.fastmcp import FastMCP

mcp = FastMCP("error-handling")

logger = logging.getLogger(__name__)


# Supplied: the block calls it and doesn't define it.
async def process_user_data(body: dict) -> dict:
    if body["name"] == "crash":
        raise RuntimeError("secret of the database")
    return {"name": body["name"]}


from starlette.exceptions import HTTPException
from pydantic import BaseModel, ValidationError
import traceback

class ErrorResponse(BaseModel):
    error: str
    detail: str | None = None  # Corrected: None is no str
    timestamp: float | None = None

def handle_errors(func):
    """Decorator for comprehensive error handling."""
    @wraps(func)
    async def wrapper(request: Request):
        try:
            return await func(request)

        except HTTPException as e:
            # Re-raise HTTP exceptions
            raise

        except json.JSONDecodeError as e:  # Corrected: it was answered as a crash of the server
            return JSONResponse({"error": "invalid_json", "detail": str(e)}, status_code=400)

        except ValidationError as e:
            # Handle Pydantic validation errors
            return JSONResponse(
                ErrorResponse(
                    error="validation_error",
                    detail=str(e),
                    timestamp=time.time()
                ).model_dump(),  # Corrected: .dict() is deprecated
                status_code=400
            )

        except Exception as e:
            # Handle unexpected errors
            logger.exception(f"Unexpected error in {func.__name__}: {e}")

            return JSONResponse(
                ErrorResponse(
                    error="internal_server_error",
                    detail="An unexpected error occurred",
                    timestamp=time.time()
                ).model_dump(),  # Corrected: .dict() is deprecated
                status_code=500
            )

    return wrapper

@mcp.custom_route("/api/robust", methods=["POST"])
@handle_errors
async def robust_endpoint(request: Request) -> JSONResponse:
    """Endpoint with comprehensive error handling."""
    # This could raise various exceptions
    body = await request.json()  # Could raise json.JSONDecodeError

    required_fields = ["name", "email"]
    for field in required_fields:
        if field not in body:
            raise HTTPException(400, f"Missing required field: {field}")

    # Simulate processing that could fail
    result = await process_user_data(body)

    return JSONResponse({"status": "success", "result": result})
