"""The authorization server at the root, and a page to log in on."""

from __future__ import annotations

from django.urls import include, path

# region: urls
urlpatterns = [
    path("", include("mcp_django.urls")),
    path("accounts/", include("django.contrib.auth.urls")),
]
# endregion
