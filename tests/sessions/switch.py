"""The library's tests go without sessions, and so without a database, except for those that are about them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mcp_django.sessions.store import forget_sessions


@contextmanager
def sessions_on(settings: Any, **more: Any) -> Iterator[None]:
    """Switch sessions on, until the ``settings`` of pytest-django are restored."""
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "SESSIONS": True, **more}
    forget_sessions()
    try:
        yield
    finally:
        forget_sessions()
