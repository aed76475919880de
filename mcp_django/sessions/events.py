"""What can happen to a server that a client may want to hear of.

Every event says "this changed: fetch it again", so two of the same are as good as one, and a stream that has fallen
behind needs each but once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["tools", "prompts", "resources", "resource"]

METHODS: dict[str, str] = {
    "tools": "notifications/tools/list_changed",
    "prompts": "notifications/prompts/list_changed",
    "resources": "notifications/resources/list_changed",
    "resource": "notifications/resources/updated",
}


@dataclass(frozen=True, slots=True)
class Event:
    """A list changed, or, of kind ``"resource"``, what is at ``uri``."""

    server: str
    """Path of the server."""

    kind: Kind
    uri: str = ""

    @property
    def params(self) -> dict[str, Any]:
        """The params of the notification."""
        return {"uri": self.uri} if self.kind == "resource" else {}

    @property
    def method(self) -> str:
        return METHODS[self.kind]
