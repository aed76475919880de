"""API keys, for agents that can't sign in as people do."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.utils import timezone

from mcp_django.auth.resources import mcp_scopes
from mcp_django.models import APIKey

logger = logging.getLogger("mcp_django.auth")

PREFIX = "mcpk_"

LIFETIME = timedelta(days=90)
"""How long a key lives unless somebody says otherwise."""


def create_key(name: str, user: Any, scopes: Iterable[str] = (), lifetime: timedelta | None = LIFETIME) -> str:
    """Make a key for a user, and return it: nobody can read it again later. For sync code.

    Args:
        scopes: of those that the project's servers ask for.
        lifetime: ``None``: it never expires.

    Raises:
        ValueError: there is no such scope.
    """
    expires_at = None if lifetime is None else timezone.now() + lifetime
    row = APIKey(name=name, user=user, scopes=list(dict.fromkeys(scopes)), expires_at=expires_at)
    return save_key(row)


def save_key(row: APIKey) -> str:
    """Save a new row with a key of its own, and return the key. Raises ``ValueError`` as ``create_key`` does."""
    known = mcp_scopes()
    if unknown := [scope for scope in row.scopes if scope not in known]:
        raise ValueError(f"No server asks for the scope {unknown[0]!r}. There are: {', '.join(known)}.")
    key = PREFIX + secrets.token_urlsafe(32)
    row.prefix, row.last4, row.key_checksum = key[: len(PREFIX) + 4], key[-4:], checksum(key)
    row.save()
    logger.info("API key %s made: user %s, scopes %s.", row.pk, row.user_id, " ".join(row.scopes) or "none")
    return key


def revoke_key(row: APIKey) -> None:
    """End a key. Its next call is refused."""
    if row.revoked_at is None:
        row.revoked_at = timezone.now()
        row.save(update_fields=["revoked_at"])
        logger.info("API key %s revoked: user %s.", row.pk, row.user_id)


def checksum(secret: str) -> str:
    """Return the SHA-256 by which a token or key is found, in hexadecimal."""
    return sha256(secret.encode()).hexdigest()
