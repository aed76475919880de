"""The classes of the SDK's server that an author's code may use, known without importing them.

Importing any part of ``mcp`` loads all of it: web servers, HTTP client, cryptography, which over stdio takes as long as
the rest of the start. Nothing can be an instance of a class that nobody has imported.
"""

from __future__ import annotations

import sys
from typing import Any

_HOMES = {
    "Audio": "mcp.server.mcpserver.utilities.types",
    "Context": "mcp.server.mcpserver.context",
    "Image": "mcp.server.mcpserver.utilities.types",
    "MCPError": "mcp.shared.exceptions",
    "Message": "mcp.server.mcpserver.prompts.base",
    "ResourceError": "mcp.server.mcpserver.exceptions",
    "ToolError": "mcp.server.mcpserver.exceptions",
    "UnexpectedResourceError": "mcp.server.mcpserver.exceptions",
    "UnexpectedToolError": "mcp.server.mcpserver.exceptions",
}


def sdk_classes(*names: str) -> tuple[type[Any], ...]:
    """Return those of the classes that somebody has imported, for ``isinstance`` and ``issubclass``."""
    found = (getattr(sys.modules.get(_HOMES[name]), name, None) for name in names)
    return tuple(each for each in found if each is not None)
