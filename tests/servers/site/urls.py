"""Besides MCP, whose paths get_mcp_application() takes before Django sees them, there are views that stream."""

from __future__ import annotations

from django.urls import include, path
from workshop.views import events, flood

urlpatterns = [
    path("", include("mcp_django.urls")),
    path("events/<str:key>/", events),
    path("flood/<str:key>/", flood),
]
