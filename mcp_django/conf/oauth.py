"""``settings.MCP_DJANGO["OAUTH"]``: how clients sign in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from mcp_django.conf.reading import check_numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthSettings:
    """Every key of ``settings.MCP_DJANGO["OAUTH"]`` with its default."""

    BASE_URL: str = ""
    """Scheme and host of this project as clients see it. Empty: those of each request."""

    BASELINE_SCOPES: tuple[str, ...] = ("mcp",)
    """Scopes that a client is asked to request first. Every token needs at least one scope of a server."""

    SCOPE_IMPLIES: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """From a scope to the scopes that it includes."""

    MISSING_SCOPE: str = "step_up"
    """What lacks a scope is shown and answered with a challenge (``"step_up"``), or not shown at all (``"hide"``)."""

    REQUIRE_AUDIENCE: bool = True
    """Whether a token must name the server that it is for (RFC 8707)."""

    ALLOWED_ORIGINS: tuple[str, ...] = ()
    """Origins of pages that may be clients (CORS), such as ``"https://inspector.example.com"``."""

    DCR_RATE: str = "20/h"
    """How often clients may register themselves (RFC 7591) from one address. Empty: as often as they like."""

    DCR_MAX_CLIENTS: int = 10_000
    """Most clients that have registered themselves and hold no token; above it registration is refused."""

    TRUSTED_PROXIES: int = 0
    """How many proxies in front add to ``X-Forwarded-For``. 0: the header is not believed."""

    CIMD_FETCH: bool = True
    """Whether the documents that describe clients are fetched. Without, only the copies that come along are known."""

    CIMD_HOSTS: tuple[str, ...] = ()
    """Hosts that may describe clients, in the syntax of ``ALLOWED_HOSTS``. Empty: all."""

    REFRESH_RACE_SECONDS: float = 10
    """A refresh token that comes a second time within this long is refused without ending what it was renewed to."""


_NOT_NEGATIVE = ("DCR_MAX_CLIENTS", "REFRESH_RACE_SECONDS", "TRUSTED_PROXIES")
_CHOICES = {"MISSING_SCOPE": ("step_up", "hide")}
_RATE = re.compile(r"([1-9][0-9]{0,8})/([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")  # RFC 6749 §3.3


def parse_rate(rate: str) -> tuple[int, int]:
    """Return how often in how many seconds: ``"20/h"`` is ``(20, 3600)``. The units are s, m, h and d.

    Raises:
        ValueError: the text says something else.
    """
    found = _RATE.fullmatch(rate)
    if found is None:
        raise ValueError(f"A rate is a number and a unit, as in '20/h' (units: s, m, h, d), not {rate!r}.")
    return int(found[1]), _SECONDS[found[2]]


def check_oauth(key: str, where: str, value: Any) -> None:
    """Check the range of a value.

    Raises:
        ImproperlyConfigured: the value is out of range.
    """
    check_numbers((), _NOT_NEGATIVE, key, where, value)
    if key in _CHOICES and value not in _CHOICES[key]:
        raise ImproperlyConfigured(f"{where} must be {' or '.join(map(repr, _CHOICES[key]))}, not {value!r}.")
    if key.endswith("_SCOPES") or key == "SCOPE_IMPLIES":
        _check_scopes(key, where, value)
    if key == "BASE_URL" and value and not _is_origin(value):
        raise ImproperlyConfigured(f"{where} must be a scheme and a host, as in 'https://example.com', not {value!r}.")
    if key == "ALLOWED_ORIGINS" and not all(each == "*" or _is_origin(each) for each in value):
        raise ImproperlyConfigured(f"{where} must hold origins such as 'https://example.com', or '*', not {value!r}.")
    if key == "DCR_RATE" and value:
        try:
            parse_rate(value)
        except ValueError as error:
            raise ImproperlyConfigured(f"{where}: {error}") from None


def _check_scopes(key: str, where: str, value: Any) -> None:
    if key == "BASELINE_SCOPES" and not (value and _are_scopes(value)):
        raise ImproperlyConfigured(f"{where} must name at least one scope, without spaces or quotes, not {value!r}.")
    if key == "SCOPE_IMPLIES" and not all(_are_scopes((scope, *more)) for scope, more in value.items()):
        raise ImproperlyConfigured(f"{where} must name scopes, without spaces or quotes, not {dict(value)!r}.")


def _is_origin(url: str) -> bool:
    """Whether it is a scheme, a host and perhaps a port, and nothing else (RFC 6454 §6.2)."""
    try:
        parts = urlsplit(url)
        whole = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
    return whole and parts.scheme in ("http", "https") and url == f"{parts.scheme}://{parts.netloc}" and "@" not in url


def _are_scopes(scopes: tuple[str, ...]) -> bool:
    return all(_SCOPE.fullmatch(scope) for scope in scopes)
