"""What a client is told that has to sign in, or to ask for more (RFC 6750 §3, RFC 9728 §5.1)."""

from __future__ import annotations

from collections.abc import Iterable

from mcp_django.conf import get_settings


class NotAuthenticated(Exception):
    """The request carries no credential that counts.

    ``status`` is the HTTP status, ``challenge`` the value of ``WWW-Authenticate``, ``reason`` a word for logs.
    """

    def __init__(self, reason: str, message: str, *, challenge: str, status: int = 401) -> None:
        super().__init__(message)
        self.reason, self.challenge, self.status = reason, challenge, status


def make_challenge(metadata: str, scopes: Iterable[str], *, error: str = "", description: str = "") -> str:
    """Return the value of ``WWW-Authenticate``.

    Args:
        metadata: URL of the document that says where to sign in (RFC 9728 §3).
        scopes: what to ask for.
        error: ``"invalid_token"`` and its siblings of RFC 6750 §3.1. Empty: nothing was given.
        description: for developers; without quotes and backslashes.
    """
    parts = {"error": error, "error_description": description, "scope": " ".join(scopes)}
    named = [f'{name}="{value}"' for name, value in parts.items() if value]
    return "Bearer " + ", ".join([*named, f'resource_metadata="{_quotable(metadata)}"'])


def baseline_challenge(metadata: str, *, scopes: Iterable[str] = (), error: str = "", description: str = "") -> str:
    """Return the challenge of who has to sign in first: it asks for ``BASELINE_SCOPES``, and for ``scopes``."""
    wanted = dict.fromkeys([*get_settings().OAUTH.BASELINE_SCOPES, *scopes])
    return make_challenge(metadata, wanted, error=error, description=description)


def step_up_challenge(metadata: str, granted: Iterable[str], missing: Iterable[str]) -> tuple[tuple[str, ...], str]:
    """Return the scopes to ask for, what the token has among them, and the challenge that says so (RFC 6750 §3.1)."""
    wanted = tuple(dict.fromkeys([*granted, *missing]))
    text = "The access token lacks a scope."
    return wanted, make_challenge(metadata, wanted, error="insufficient_scope", description=text)


def _quotable(text: str) -> str:
    """Keep a URL from ending its quoted string: part of it may be a header of the client's own."""
    return "".join(each for each in text if 0x21 <= ord(each) < 0x7F and each not in '"\\')
