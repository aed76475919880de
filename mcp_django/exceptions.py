"""What this package raises on purpose. Loads no SDK, so an ``mcp.py`` may import it at any time."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

__all__ = [
    "AlreadyRegistered",
    "DiscoveryError",
    "InvalidDeclaration",
    "MCPDjangoError",
    "NotRegistered",
    "ResourceError",
    "ToolError",
    "ValidationError",
]


class MCPDjangoError(Exception):
    """Base of every error this package raises on purpose. Never raised itself."""


class AlreadyRegistered(MCPDjangoError):
    """Two components, or two servers, want the same name."""


class NotRegistered(MCPDjangoError):
    """No component of that name is registered."""


class InvalidDeclaration(MCPDjangoError, ImproperlyConfigured):
    """A component's signature, annotations or options can't be served."""


class DiscoveryError(MCPDjangoError, ImproperlyConfigured):
    """An app's ``mcp.py`` could not be imported; ``__cause__`` is what it raised."""


class ToolError(MCPDjangoError):
    """A failure that the model should read and react to: its text reaches the client as it is.

    Anything else that a tool raises becomes one neutral sentence for the client and a traceback in the log. The SDK's
    class of the same name means the same here.
    """


class ResourceError(MCPDjangoError):
    """The same for resources: its text reaches the client as it is."""


class ValidationError(ToolError):
    """What FastMCP called an argument that doesn't fit: for code that was written for it.

    New code raises ``ToolError``, or Django's ``ValidationError``, whose texts reach the client as well.
    """
