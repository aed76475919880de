"""What this package raises on purpose. Loads no SDK, so an ``mcp.py`` may import it at any time."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured

__all__ = [
    "AlreadyRegistered",
    "DiscoveryError",
    "InvalidDeclaration",
    "MCPDjangoError",
    "NotRegistered",
    "ProtocolError",
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


class ProtocolError(MCPDjangoError):
    """A JSON-RPC error in place of a result: for the client, and not for the model (JSON-RPC 2.0 §5.1).

    The SDK's ``MCPError`` means the same here.

    Args:
        code: below zero; -32602 says that the params don't fit.
        message: one sentence.
        data: what JSON can hold; ``None``: nothing.
    """

    http_status = 0
    """What HTTP says of it, where the code alone doesn't tell; 0 elsewhere."""

    http_headers: tuple[tuple[bytes, bytes], ...] = ()
    reason = ""
    """Why, in a word, for the record."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(code, message, data)
        self.code, self.message, self.data = code, message, data

    def __str__(self) -> str:
        return self.message


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
