"""What FastMCP's decorators took, in the terms of this registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_HINTS = {
    "read_only": ("read_only_hint", "readOnlyHint"),
    "destructive": ("destructive_hint", "destructiveHint"),
    "idempotent": ("idempotent_hint", "idempotentHint"),
    "open_world": ("open_world_hint", "openWorldHint"),
    "title": ("title", "title"),
}


def hints(annotations: Any) -> dict[str, Any]:
    """Return the options that say what ``ToolAnnotations``, or a dict of its members, say."""
    if annotations is None:
        return {}
    members = annotations if isinstance(annotations, Mapping) else vars(annotations)
    found = {
        option: next((members[name] for name in names if members.get(name) is not None), None)
        for option, names in _HINTS.items()
    }
    return {option: value for option, value in found.items() if value is not None}


def reader(resource: Any) -> Callable[[], Any]:
    """Return a function without parameters that reads one of the SDK's resources."""

    async def read() -> Any:
        return await resource.read()

    read.__module__ = type(resource).__module__
    return read
