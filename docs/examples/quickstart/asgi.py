"""The README's two lines of asgi.py."""

from __future__ import annotations

# region: asgi
from mcp_django.asgi import get_mcp_application

application = get_mcp_application()
# endregion
