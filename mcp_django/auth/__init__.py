"""Who calls.

The names are bound when first used: some of them need loaded apps, which an ``mcp.py`` or ``models.py`` can't wait for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mcp_django.auth.access_token import AccessToken, get_access_token
from mcp_django.auth.principal import ANONYMOUS, LOCAL, VISITOR, Principal

if TYPE_CHECKING:
    from mcp_django.auth.bearer import authenticate
    from mcp_django.auth.keys import create_key, revoke_key

__all__ = [
    "ANONYMOUS",
    "LOCAL",
    "VISITOR",
    "AccessToken",
    "Principal",
    "authenticate",
    "create_key",
    "get_access_token",
    "revoke_key",
]

_LATE = {"authenticate": "bearer", "create_key": "keys", "revoke_key": "keys"}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
