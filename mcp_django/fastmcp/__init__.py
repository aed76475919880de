"""The names of ``mcp.server.fastmcp`` (SDK 1.x), for code that was written for it: its import line is all that changes.

Those of the SDK are bound when first used, so that importing this loads no SDK.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mcp_django.auth import AccessToken, get_access_token
from mcp_django.engine import content as base
from mcp_django.engine.content import AssistantMessage, Audio, Image, Message, UserMessage
from mcp_django.engine.context import Context
from mcp_django.exceptions import InvalidDeclaration as InvalidSignature
from mcp_django.exceptions import MCPDjangoError as FastMCPError
from mcp_django.exceptions import ResourceError, ToolError, ValidationError
from mcp_django.fastmcp.arguments import FastMCPWarning
from mcp_django.fastmcp.server import FastMCP

if TYPE_CHECKING:
    from mcp.server.auth.provider import OAuthAuthorizationServerProvider, TokenVerifier
    from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions, RevocationOptions
    from mcp.server.transport_security import TransportSecuritySettings
    from mcp_types import Icon

__all__ = [
    "AccessToken",
    "AssistantMessage",
    "Audio",
    "AuthSettings",
    "ClientRegistrationOptions",
    "Context",
    "FastMCP",
    "FastMCPError",
    "FastMCPWarning",
    "Icon",
    "Image",
    "InvalidSignature",
    "Message",
    "OAuthAuthorizationServerProvider",
    "ResourceError",
    "RevocationOptions",
    "TokenVerifier",
    "ToolError",
    "TransportSecuritySettings",
    "UserMessage",
    "ValidationError",
    "base",
    "get_access_token",
]

_HOME_OF = {
    "AuthSettings": "mcp.server.auth.settings",
    "ClientRegistrationOptions": "mcp.server.auth.settings",
    "Icon": "mcp_types",
    "OAuthAuthorizationServerProvider": "mcp.server.auth.provider",
    "RevocationOptions": "mcp.server.auth.settings",
    "TokenVerifier": "mcp.server.auth.provider",
    "TransportSecuritySettings": "mcp.server.transport_security",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)
