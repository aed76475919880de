"""Nothing but MCP is served here."""

from __future__ import annotations

from typing import Any

urlpatterns: list[Any] = []
