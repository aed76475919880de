"""What a handshake client said of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

LogLevel = Literal["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]


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
