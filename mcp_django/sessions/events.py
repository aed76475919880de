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

    def params(self, meta: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the params of the notification."""
        params: dict[str, Any] = {"_meta": meta} if meta else {}
        return params | {"uri": self.uri} if self.kind == "resource" else params

    @property
    def method(self) -> str:
        return METHODS[self.kind]
