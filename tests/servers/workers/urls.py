"""Besides MCP there are one view, which tells of a change, and the custom routes."""

from __future__ import annotations

from bench.views import changed
from django.urls import include, path

urlpatterns = [path("changed/<int:number>", changed), path("", include("mcp_django.urls"))]
