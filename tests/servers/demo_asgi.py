"""The demo, whose open streams look every second whether their tokens still count."""

from __future__ import annotations

from mcp_django.asgi import get_mcp_application
from mcp_django.engine import subscriptions
from mcp_django.transports import session

subscriptions.LOOK_SECONDS = 1
session.LOOK_SECONDS = 1

application = get_mcp_application()
