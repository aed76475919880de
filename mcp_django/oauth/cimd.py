"""Clients that are known by the URL of a document about themselves (Client ID Metadata Documents, draft-01)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.http.request import validate_host
from oauth2_provider.cimd import CIMDError, SafeMetadataFetcher
from oauth2_provider.settings import oauth2_settings

from mcp_django.conf import get_settings
from mcp_django.oauth.clients import GRANTS, choose_method, clean_name, clean_redirects

DOCUMENTS = Path(__file__).parent / "documents"
"""Copies of what well-known clients publish, for when the original can't be fetched; each names its day."""

_may_fetch: ContextVar[bool] = ContextVar("mcp_django_may_fetch", default=False)


@contextmanager
def fetching() -> Iterator[None]:
    """Allow documents to be fetched inside: where somebody has signed in, and asks for a client."""
    token = _may_fetch.set(True)
    try:
        yield
    finally:
        _may_fetch.reset(token)


class MCPCIMDPermission:
    """For ``CIMD_REGISTRATION_PERMISSION_CLASSES``: nobody who hasn't signed in makes this server fetch or store."""

    def has_permission(self, request: Any, client_id: str) -> bool:
        """Whether the document may be fetched now; ``CIMD_HOSTS`` has a say as well."""
        hosts = get_settings().OAUTH.CIMD_HOSTS
        host = urlsplit(client_id).hostname or ""
        return _may_fetch.get() and (not hosts or validate_host(host, hosts))


class MCPMetadataFetcher(SafeMetadataFetcher):  # type: ignore[misc]
    """For ``CIMD_METADATA_FETCHER``: documents as they are out there, made into what the toolkit takes."""

    def fetch(self, client_id: str) -> tuple[dict[str, Any], int]:
        """Return a client's document and how many seconds it is good for.

        Raises:
            CIMDError: it can't be fetched and there is no copy, or nothing in it can be used here.
        """
        try:
            if not get_settings().OAUTH.CIMD_FETCH:
                raise CIMDError("MCP_DJANGO['OAUTH']['CIMD_FETCH'] is off, and there is no copy of this document")
            metadata, seconds = super().fetch(client_id)
        except CIMDError:
            if client_id not in documents():
                raise
            metadata, seconds = documents()[client_id], oauth2_settings.CIMD_METADATA_MAX_AGE_SECONDS
        return normalise(metadata), seconds


@cache
def documents() -> dict[str, dict[str, Any]]:
    """Return the copies that come along, by the URL of the original."""
    found = (json.loads(file.read_text(encoding="utf-8")) for file in sorted(DOCUMENTS.glob("*.json")))
    return {copy["document"]["client_id"]: copy["document"] for copy in found}


def normalise(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return a document with what is served here in place of what the client would like as well (RFC 7591 §2).

    Raises:
        CIMDError: the client wants no authorization code, or no redirect URI of it is safe.
    """
    grants = metadata.get("grant_types", GRANTS)
    if not isinstance(grants, list) or "authorization_code" not in grants:
        raise CIMDError("the client doesn't use the grant authorization_code")
    redirects = clean_redirects(metadata.get("redirect_uris"))
    if not redirects:
        raise CIMDError("no redirect URI of the client is safe to redirect to")
    method = choose_method(metadata) if "token_endpoint_auth_method" in metadata else "none"
    return {
        **metadata,
        "client_name": clean_name(metadata.get("client_name")),
        "redirect_uris": redirects,
        "grant_types": GRANTS,
        "token_endpoint_auth_method": method or metadata.get("token_endpoint_auth_method"),
    }
