"""The authorization server below a prefix, with its documents at the root."""

from __future__ import annotations

from django.urls import include, path

# region: urls
urlpatterns = [
    path("o/", include("mcp_django.oauth.urls")),
    path("", include("mcp_django.oauth.wellknown")),
]
# endregion
