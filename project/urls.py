"""What Django serves: pages, the admin, sign-in. ``project.asgi`` hands the MCP endpoint to its consumers first."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from django.urls import include, path
from django.views.generic import TemplateView

urlpatterns = [
    path("", TemplateView.as_view(template_name="atlas/index.html"), name="index"),
    path("admin/", admin.site.urls),
    path("accounts/login/", LoginView.as_view(), name="login"),
    path("", include("mcp_django.urls")),
]
if settings.DEBUG:
    urlpatterns += staticfiles_urlpatterns()
