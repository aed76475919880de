"""The README's three lines of settings, after those that a project has."""

from __future__ import annotations

INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]

# region: settings
INSTALLED_APPS = ["daphne", "mcp_django", *INSTALLED_APPS]
ASGI_APPLICATION = "project.asgi.application"
MCP_DJANGO = {"AUTH": "none"}  # while you try it out: everybody who reaches the endpoint may call every tool
# endregion
