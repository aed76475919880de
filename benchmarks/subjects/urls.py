"""No routes: only the MCP endpoint is measured."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
