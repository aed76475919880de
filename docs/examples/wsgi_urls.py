"""The URLconf of a project that is served by WSGI: what the page how-to/deploy.md shows."""

from __future__ import annotations

# region: urls
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("mcp_django.urls")),
]
# endregion
