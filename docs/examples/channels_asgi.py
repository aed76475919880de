"""A project that has Channels consumers of its own: what the page how-to/deploy.md shows."""

from __future__ import annotations

# region: asgi
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path, re_path

django_application = get_asgi_application()  # before what needs loaded apps

from mcp_django.asgi import lifespan  # noqa: E402
from mcp_django.routing import http_urlpatterns  # noqa: E402


class Chat(AsyncWebsocketConsumer):
    """Stands for the project's own consumers."""


application = ProtocolTypeRouter(
    {
        "http": URLRouter([*http_urlpatterns, re_path(r"", django_application)]),
        "websocket": URLRouter([path("ws/chat/", Chat.as_asgi())]),
        "lifespan": lifespan,
    }
)
# endregion
