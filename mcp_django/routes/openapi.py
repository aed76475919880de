"""The OpenAPI 3.1 document of the routes with ``include_in_schema``."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from mcp_django.conf import get_settings
from mcp_django.registry import mcp
from mcp_django.routes.compilation import Route, compile_route, declared_routes
from mcp_django.routes.schemas import Schemas, media_type_of

_PARAMETERS: Mapping[str, dict[str, Any]] = {
    "int": {"type": "integer", "minimum": 0},
    "mcp_django_float": {"type": "number", "minimum": 0},
    "uuid": {"type": "string", "format": "uuid"},
    "slug": {"type": "string", "pattern": "^[-a-zA-Z0-9_]+$"},
}
_PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
                "required": ["field", "detail"],
            },
        },
    },
    "required": ["type", "title", "status"],
}


def build_document(server_url: str = "/") -> dict[str, Any]:
    """Return the document of the routes that are declared now, and switched on as far as this process knows.

    Args:
        server_url: what the paths begin with, as ``include`` has it.

    Raises:
        InvalidDeclaration: a route can't be served.
    """
    compiled = [compile_route(declaration, server) for declaration, server in declared_routes()]
    routes = [
        route
        for route in compiled
        if route.declaration.include_in_schema and route.server.is_enabled("route", route.declaration.key)
    ]
    schemas = Schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for place, route in enumerate(routes):
        path = "/" + _braces(route)
        for method in route.declaration.methods:
            paths.setdefault(path, {})[method.lower()] = _operation(route, method, place, schemas)
    return {
        "openapi": "3.1.0",
        "info": _info(),
        "servers": [{"url": server_url.rstrip("/") or "/"}],
        "paths": paths,
        "components": {
            "schemas": {**schemas.components, "Problem": _PROBLEM},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _info() -> dict[str, str]:
    from mcp_django.engine.server import get_engine

    said = get_engine(mcp).server_info
    info = {"title": said.get("title") or said["name"], "version": said["version"] or "0"}
    return info | ({"description": said["description"]} if "description" in said else {})


def _braces(route: Route) -> str:
    path = route.path
    for name, kind in route.parameters.items():
        path = path.replace(f"<{kind}:{name}>", f"{{{name}}}")
    return path


def _operation(route: Route, method: str, place: int, schemas: Schemas) -> dict[str, Any]:
    declaration = route.declaration
    first, _, rest = inspect.cleandoc(inspect.getdoc(declaration.fn) or "").partition("\n")
    operation: dict[str, Any] = {
        "operationId": f"{declaration.name or _braces(route)}_{place}_{method.lower()}",
        "summary": declaration.title or first,
        "description": rest.strip() if declaration.description is None else declaration.description,
        "tags": sorted(declaration.tags) or ([declaration.app] if declaration.app else []),
        "parameters": [*_path_parameters(route), *schemas.query(place)],
        "responses": _responses(route, schemas.result(place)),
    }
    if (body := schemas.body(place)) is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    if not route.access.public:
        operation["security"] = [{"bearer": list(route.access.scopes)}]
    return {name: value for name, value in operation.items() if value}


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _PARAMETERS.get(kind, {"type": "string"})}
        for name, kind in route.parameters.items()
    ]


def _responses(route: Route, result: Any) -> dict[str, Any]:
    returns = route.handler.returns
    if returns is None or returns is type(None):
        responses: dict[str, Any] = {"204": {"description": "Done."}}
    else:
        media = media_type_of(returns)
        content = {media: {"schema": result}} if result is not None else {}
        if media != "application/json":
            content = {media: {"schema": {"type": "string"}}}
        responses = {"200": {"description": "Done.", **({"content": content} if content else {})}}
    reasons = {
        "400": ("The input is not valid.", route.declaration.body or route.declaration.query),
        "401": ("An access token is needed.", not route.access.public and get_settings().AUTH != "none"),
        "403": ("The caller may not do this.", not route.access.public),
        "413": ("The body is too large.", route.declaration.body),
        "429": ("Too many requests.", route.access.throttle),
    }
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return responses | {
        status: {"description": text, "content": problem} for status, (text, applies) in reasons.items() if applies
    }
