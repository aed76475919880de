"""What a handshake client said of itself."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

LogLevel = Literal["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]

Transport = Literal["streamable-http", "sse", "stdio", "console"]

MAX_TEXT = 200
"""Most characters that are kept of anything a client calls itself."""

MAX_CAPABILITIES = 8192
"""Most characters of JSON that a client may need to say what it can do."""


@dataclass(slots=True)
class Connection:
    """One handshake client. This one lives as long as its pipe; a session's is kept in the database."""

    version: str
    client_info: Any = None
    client_capabilities: Any = None
    log_level: LogLevel = "info"
    subscriptions: set[str] = field(default_factory=set)
    """URIs of the resources whose changes the client wants to hear of."""

    async def set_log_level(self, level: LogLevel) -> None:
        """Keep the least severe level that the client wants to hear of."""
        self.log_level = level

    async def subscribe(self, uri: str) -> None:
        """Keep that the client wants to hear of changes of a resource."""
        self.subscriptions.add(uri)

    async def unsubscribe(self, uri: str) -> None:
        """Keep that it doesn't any more."""
        self.subscriptions.discard(uri)


def short_info(info: Any) -> dict[str, str]:
    """Return what is kept of a client's name for itself: a client must not fill our memory with it."""
    info = info if isinstance(info, dict) else {}
    names = ("name", "version", "title", "websiteUrl", "description")
    return {key: info[key][:MAX_TEXT].replace("\0", "") for key in names if isinstance(info.get(key), str)}


def short_capabilities(capabilities: Any) -> dict[str, Any]:
    """Return a client's capabilities, or none when they are longer than any client needs."""
    text = json.dumps(capabilities) if isinstance(capabilities, dict) else "{}"
    kept: dict[str, Any] = json.loads(text) if len(text) <= MAX_CAPABILITIES and "\\u0000" not in text else {}
    return kept
