"""Custom Routes, block 14: Input Validation with Pydantic."""

import json
from functools import wraps
from types import SimpleNamespace

from starlette.requests import Request
from starlette.responses import JSONResponse

from mcp_django.fastmcp import FastMCP

mcp = FastMCP("validation")


# Supplied: the block calls it and doesn't define it.
async def create_user(**fields):
    return SimpleNamespace(id=1, **fields)


from pydantic import BaseModel, Field, ValidationError, field_validator  # Corrected: validator is deprecated
from typing import Optional

class UserCreateRequest(BaseModel):
    name: str
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")  # Corrected: EmailStr takes one more package
    age: Optional[int] = None

    @field_validator('name')
    @classmethod
    def validate_name(cls, v):
        if len(v.strip()) < 2:
            raise ValueError('Name must be at least 2 characters')
        return v.strip()

    @field_validator('age')
    @classmethod
    def validate_age(cls, v):
        if v is not None and (v < 0 or v > 150):
            raise ValueError('Age must be between 0 and 150')
        return v

def validate_json(model_class):
    """Decorator to validate JSON input with Pydantic."""
    def decorator(func):
        @wraps(func)
        async def wrapper(request: Request):
            try:
                body = await request.json()
                validated_data = model_class(**body)
                # Add validated data to request state
                request.state.validated_data = validated_data
                return await func(request)
            except (json.JSONDecodeError, TypeError):  # Corrected: it was answered as a crash of the server
                return JSONResponse({"error": "invalid_json"}, status_code=400)
            except ValidationError as e:
                return JSONResponse(
                    # Corrected: the context of an error holds the exception, which is no JSON.
                    {"error": "validation_error", "details": e.errors(include_context=False, include_url=False)},
                    status_code=400
                )
        return wrapper
    return decorator

@mcp.custom_route("/api/users", methods=["POST"])
@validate_json(UserCreateRequest)
async def create_user_endpoint(request: Request) -> JSONResponse:
    """Create user with Pydantic validation."""
    user_data = request.state.validated_data

    # Create user with validated data
    user = await create_user(
        name=user_data.name,
        email=user_data.email,
        age=user_data.age
    )

    return JSONResponse({
        "status": "created",
        "user": {
            "id": user.id,
            "name": user.name,
            "email": user.email,
            "age": user.age
        }
    })
