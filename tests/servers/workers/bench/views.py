"""What happens in Django beside MCP, and what clients are told of it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from mcp_django import mcp


def changed(request: HttpRequest, number: int) -> HttpResponse:
    """Tell of a change, as any sync view may."""
    mcp.notify_resource_updated(f"bench://{number}")
    return HttpResponse(status=204)
