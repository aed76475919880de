"""What happens in Django beside MCP, and what clients are told of it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from mcp_django import mcp
from mcp_django.routes import broadcast, event_stream, subscribe, throttle


def changed(request: HttpRequest, number: int) -> HttpResponse:
    """Tell of a change, as any sync view may."""
    mcp.notify_resource_updated(f"bench://{number}")
    return HttpResponse(status=204)


@throttle("50/d", key=lambda request: request.GET["key"])
def limited(request: HttpRequest) -> HttpResponse:
    """Serve fifty requests for each key; a day's window doesn't end within a test, but for one second at midnight."""
    return HttpResponse("served")


async def events(request: HttpRequest, group: str) -> HttpResponseBase:
    """Listen to a group."""
    return event_stream(request, subscribe(group))


def notify(request: HttpRequest, group: str) -> HttpResponse:
    """Tell a group, from a sync view."""
    broadcast(group, request.GET["text"])
    return HttpResponse(status=204)
