"""What clients say of themselves, made into what is served here. They write one text for every server in the world."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from oauth2_provider.models import get_application_model

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts that are the computer of whoever signs in (RFC 8252 §7.3)."""

GRANTS = ["authorization_code", "refresh_token"]
"""What a client that nobody set up gets, whatever it asks for."""

METHODS = ("none", "client_secret_post", "client_secret_basic")
MAX_NAME_LENGTH = 100
MAX_REDIRECTS = 20


def clean_name(given: Any) -> str:
    """Return a client's name without what isn't seen, or turns the text around, on the page that asks for consent."""
    text = given if isinstance(given, str) else ""
    visible = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    return " ".join(visible.split())[:MAX_NAME_LENGTH]


def clean_redirects(given: Any) -> list[str]:
    """Return those of a client's redirect URIs that are safe to redirect to; the others are dropped.

    That is ``https``, ``http`` of the user's own computer, and the schemes of programs that
    ``OAUTH2_PROVIDER["ALLOWED_REDIRECT_URI_SCHEMES"]`` names.
    """
    if not isinstance(given, list):
        return []
    kept = [uri for uri in given[:MAX_REDIRECTS] if isinstance(uri, str) and _is_safe(uri)]
    return list(dict.fromkeys(kept))


def is_loopback(uri: str) -> bool:
    """Whether a redirect ends on the computer of whoever signs in."""
    try:
        return urlsplit(uri).hostname in LOOPBACK
    except ValueError:
        return False


def is_local(uri: str) -> bool:
    """Whether any program on the computer of whoever signs in could be the one that gets the code."""
    return is_loopback(uri) or urlsplit(uri).scheme not in ("http", "https")


def shown_host(url: str) -> str:
    """Return the host of a URL, and its port, in the letters that DNS knows: no other alphabet's can pass for them."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        ascii_host = host.encode("idna").decode() if not host.isascii() else host
    except UnicodeError:
        ascii_host = host.encode("ascii", "backslashreplace").decode()
    name = f"[{ascii_host}]" if ":" in ascii_host else ascii_host
    return f"{name}:{parts.port}" if parts.port else name


def choose_method(metadata: Mapping[str, Any]) -> str | None:
    """Return how the client proves who it is at the token endpoint; ``None`` when it can't do what is known here.

    A client may name several (``token_endpoint_auth_methods_supported``), of which one need not know the first.
    """
    preferred = metadata.get("token_endpoint_auth_method")
    if preferred in METHODS:
        return str(preferred)
    others = metadata.get("token_endpoint_auth_methods_supported")
    named = others if isinstance(others, list) else []
    return next((method for method in METHODS if method in named), None)


def _is_safe(uri: str) -> bool:
    if any(not "!" <= c <= "~" for c in uri) or "@" in uri.partition("?")[0]:
        return False
    try:
        parts = urlsplit(uri)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            return False
        application = get_application_model()
        application(redirect_uris=uri, authorization_grant_type=application.GRANT_AUTHORIZATION_CODE).clean()
    except (ValueError, ValidationError):
        return False
    return True
