"""Sign-in for MCP clients, on django-oauth-toolkit. Importing this loads no Django app, so settings.py may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

__all__ = ["defaults"]


def defaults(*, SCOPES: Mapping[str, Any] | None = None, **overrides: Any) -> dict[str, Any]:
    """Return settings for ``OAUTH2_PROVIDER`` with which MCP clients can sign in, and nobody gets more than that.

    Args:
        SCOPES: what to tell people about each scope that a component asks for; ``"mcp"`` has its text already.
        overrides: any other setting of django-oauth-toolkit.
    """
    texts = {"mcp": _("Use this service as you"), **(SCOPES or {})}
    return {**_clients(), **_tokens(), **_refusals(), "SCOPES": texts, **overrides}


def _clients() -> dict[str, Any]:
    """Who may be a client: whoever registers (RFC 7591) or publishes a document about itself (CIMD)."""
    return {
        "DCR_ENABLED": True,
        "DCR_REGISTRATION_PERMISSION_CLASSES": ("oauth2_provider.dcr.AllowAllDCRPermission",),
        "CIMD_ENABLED": True,
        "CIMD_METADATA_FETCHER": "mcp_django.oauth.cimd.MCPMetadataFetcher",
        "CIMD_REGISTRATION_PERMISSION_CLASSES": ("mcp_django.oauth.cimd.MCPCIMDPermission",),
        "ALLOW_LOCALHOST_LOOPBACK": True,
        "ALLOWED_REDIRECT_URI_SCHEMES": [
            "http",  # of this computer only: mcp_django.oauth.clients sees to it
            "https",
            "cursor",
            "grokbot",
            "vscode",
            "vscode-insiders",
            "windsurf",
        ],
        "OAUTH2_TOKEN_ENDPOINT_AUTH_METHODS_SUPPORTED": ["none", "client_secret_post", "client_secret_basic"],
        "OAUTH2_GRANT_TYPES_SUPPORTED": ["authorization_code", "refresh_token", "client_credentials"],
        "OAUTH2_RESPONSE_TYPES_SUPPORTED": ["code"],
    }


def _tokens() -> dict[str, Any]:
    return {
        "ACCESS_TOKEN_ADMIN_CLASS": "mcp_django.oauth.admin.MCPAccessTokenAdmin",
        "REFRESH_TOKEN_ADMIN_CLASS": "mcp_django.oauth.admin.MCPRefreshTokenAdmin",
        "OAUTH2_VALIDATOR_CLASS": "mcp_django.oauth.validators.MCPOAuth2Validator",
        "SCOPES_BACKEND_CLASS": "mcp_django.oauth.scopes.MCPScopes",
        "DEFAULT_SCOPES": ["mcp"],
        "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
        "REFRESH_TOKEN_EXPIRE_SECONDS": 30 * 24 * 3600,
        "ROTATE_REFRESH_TOKEN": True,
        "REFRESH_TOKEN_REUSE_PROTECTION": True,
        "PKCE_REQUIRED": True,
    }


def _refusals() -> dict[str, Any]:
    """What OAuth has and nobody should use any more (RFC 9700)."""
    gates = (
        "ACCESS_TOKEN_TRANSPORT",
        "AUTHZ_RESPONSE_ISS",
        "IMPLICIT_GRANT",
        "PASSWORD_GRANT",
        "PKCE_METHOD",
        "PKCE_REQUIRED",
        "REDIRECT_URI_MATCHING",
        "REFRESH_TOKEN",
        "TOKEN_STORAGE",
    )
    return {f"COMPLIANT_BCP_RFC9700_{gate}": True for gate in gates}
