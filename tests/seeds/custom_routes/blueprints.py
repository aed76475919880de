"""Custom Routes, block 10: Route Blueprints Pattern."""

from starlette.requests import Request
from starlette.responses import JSONResponse

from mcp_django.fastmcp import FastMCP

from typing import List
from dataclasses import dataclass

@dataclass
class RouteDefinition:
    path: str
    methods: List[str]
    handler: callable
    name: str = None
    include_in_schema: bool = True

class RouteBlueprint:
    """Blueprint for organizing related routes."""

    def __init__(self, prefix: str = ""):
        self.prefix = prefix
        self.routes: List[RouteDefinition] = []

    # Corrected: a route could not be left out of the schema.
    def route(self, path: str, methods: List[str] = None, name: str = None, include_in_schema: bool = True):
        """Decorator to add route to blueprint."""
        if methods is None:
            methods = ["GET"]

        def decorator(func):
            full_path = f"{self.prefix}{path}" if self.prefix else path
            self.routes.append(RouteDefinition(
                path=full_path,
                methods=methods,
                handler=func,
                name=name,
                include_in_schema=include_in_schema
            ))
            return func
        return decorator

    def register(self, mcp: FastMCP):
        """Register all routes in blueprint with FastMCP."""
        for route_def in self.routes:
            mcp.custom_route(
                route_def.path,
                methods=route_def.methods,
                name=route_def.name,
                include_in_schema=route_def.include_in_schema
            )(route_def.handler)

# API v1 routes blueprint
api_v1 = RouteBlueprint(prefix="/api/v1")

@api_v1.route("/users", methods=["GET", "POST"])
async def users_endpoint(request: Request) -> JSONResponse:
    """Users API endpoint."""
    if request.method == "GET":
        return JSONResponse({"users": []})
    else:
        body = await request.json()
        return JSONResponse({"created_user": body})

@api_v1.route("/users/{user_id}", methods=["GET", "PUT", "DELETE"])
async def user_detail_endpoint(request: Request) -> JSONResponse:
    """User detail API endpoint."""
    user_id = request.path_params["user_id"]
    return JSONResponse({"user_id": user_id, "method": request.method})

# Admin routes blueprint
admin_bp = RouteBlueprint(prefix="/admin")

@admin_bp.route("/dashboard", methods=["GET"])
async def admin_dashboard(request: Request) -> JSONResponse:
    """Admin dashboard."""
    return JSONResponse({"dashboard": "admin_data"})

# Register blueprints
mcp = FastMCP("modular-server")
api_v1.register(mcp)
admin_bp.register(mcp)
