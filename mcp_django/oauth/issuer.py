"""Who issues tokens: one URL for a request, whichever page or document says it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest
from django.urls import reverse

from mcp_django.auth.resources import base_url

WELL_KNOWN = "/.well-known/oauth-authorization-server"


class _Asked(HttpRequest):
    """The request that oauthlib made its own of, as far as its address goes."""

    def __init__(self, headers: Any) -> None:
        super().__init__()
        self.META = headers

    def _get_scheme(self) -> str:
        return "https" if "X_DJANGO_OAUTH_TOOLKIT_SECURE" in self.META else "http"


def site_url(request: HttpRequest) -> str:
    """Return scheme and host of this project: ``BASE_URL``, or those of the request.

    Raises:
        DisallowedHost: the request's host is not in ``ALLOWED_HOSTS``.
    """
    return base_url(request.scheme or "http", request.get_host())


def resource_base(request: Any) -> str:
    """Return what the identifiers of servers begin with, for Django's request or oauthlib's.

    Raises:
        DisallowedHost: the request's host is not in ``ALLOWED_HOSTS``.
    """
    asked = request if isinstance(request, HttpRequest) else _Asked(request.headers)
    return base_url(asked.scheme or "http", asked.get_host(), asked.META.get("SCRIPT_NAME", ""))


def issuer_path() -> str:
    """Return the prefix under which the authorization server is mounted, such as ``"/o"``; empty at the root."""
    return reverse("oauth2_provider:authorize").removesuffix("/authorize/")


def issuer(request: HttpRequest) -> str:
    """Return the issuer (RFC 8414 §2)."""
    return site_url(request) + issuer_path()


def with_issuer(url: str, issuer: str) -> str:
    """Add the parameter ``iss`` to an answer that goes to a client (RFC 9207 §2), in place of any that is there."""
    parts = urlsplit(url)
    rest = [pair for pair in parts.query.split("&") if pair and not pair.startswith("iss=")]
    return parts._replace(query="&".join([*rest, urlencode({"iss": issuer})])).geturl()
