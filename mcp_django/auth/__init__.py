"""Who calls."""

from __future__ import annotations

from mcp_django.auth.principal import ANONYMOUS, Principal

__all__ = ["ANONYMOUS", "Principal"]
