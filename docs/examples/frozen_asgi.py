"""asgi.py that keeps what it has loaded from the garbage collector: what the page how-to/deploy.md shows."""

from __future__ import annotations

# region: freeze
import gc

from mcp_django.asgi import get_mcp_application

application = get_mcp_application()

gc.freeze()
# endregion
