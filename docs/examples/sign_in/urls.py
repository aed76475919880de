"""The authorization server at the root, and a page to log in on."""

from __future__ import annotations

from django.contrib.auth.views import LoginView
from django.urls import include, path

# region: urls
urlpatterns = [
    path("", include("mcp_django.urls")),
    path("accounts/login/", LoginView.as_view(template_name="mcp_django/login.html"), name="login"),
]
# endregion
