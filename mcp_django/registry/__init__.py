"""What the apps declare: frozen data, made without the SDK and without pydantic."""

from __future__ import annotations

from mcp_django.registry.access import Access, AccessOptions, Rate, access_of
from mcp_django.registry.declarations import (
    CompletionDeclaration,
    Declaration,
    Kind,
    PromptDeclaration,
    ResourceDeclaration,
    ToolDeclaration,
)
from mcp_django.registry.discovery import app_order, discover, refuse_shadow
from mcp_django.registry.routes import Blueprint, RouteDeclaration, Routes
from mcp_django.registry.server import MCPServer, mcp, servers

__all__ = [
    "Access",
    "AccessOptions",
    "Blueprint",
    "CompletionDeclaration",
    "Declaration",
    "Kind",
    "MCPServer",
    "PromptDeclaration",
    "Rate",
    "ResourceDeclaration",
    "RouteDeclaration",
    "Routes",
    "ToolDeclaration",
    "access_of",
    "app_order",
    "discover",
    "mcp",
    "refuse_shadow",
    "servers",
]
