"""Nothing but MCP is served here; get_mcp_application() takes the same paths before Django sees them."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("", include("mcp_django.urls"))]
