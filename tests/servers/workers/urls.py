"""Besides MCP there are the admin, custom routes, and views that all workers have something in common for."""

from __future__ import annotations

from bench.views import changed, events, limited, notify
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("changed/<int:number>", changed),
    path("limited/", limited),
    path("events/<str:group>/", events),
    path("notify/<str:group>/", notify),
    path("", include("mcp_django.urls")),
]
