"""django-mcpz: a Django view, without middleware and without sign-in."""

from __future__ import annotations

import msgspec
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest
from django.urls import path

settings.configure(
    SECRET_KEY="benchmarks-only",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django_mcpz"],
    MIDDLEWARE=[],
)
application = get_wsgi_application()

from django_mcpz.server import MCPServer, public  # noqa: E402  (they read the settings)

server = MCPServer(name="benchmarks", version="1.0", auth=public)


class Params(msgspec.Struct):
    """What is added."""

    a: int
    b: int


@server.tool(description="Add two numbers.")
def add(request: HttpRequest, params: Params) -> str:
    """Add two numbers."""
    return str(params.a + params.b)


urlpatterns = [path("mcp", server)]
