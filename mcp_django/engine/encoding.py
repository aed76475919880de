"""What goes on the wire, as JSON on one line."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json

MAX_DEPTH = 32
"""What lies deeper in a message that had to be cleaned is left out."""


def encode(message: Any) -> bytes:
    """Make JSON of a message, whatever an author put into it.

    NaN and the infinities become ``null``, objects that JSON doesn't know become their ``str``, and what UTF-8 can't
    hold of a text (lone surrogates, as file names may have) becomes a question mark.
    """
    if type(message) is int:
        return b"%d" % message
    try:
        return to_json(message, inf_nan_mode="null", fallback=str)
    except Exception:  # an object whose str() raises, a circle, a key that is no string...
        return to_json(_plain(message, depth=0), inf_nan_mode="null")


def _plain(value: Any, *, depth: int) -> Any:
    if depth > MAX_DEPTH:
        return None
    if isinstance(value, dict):
        return {str(_plain(str_of(key), depth=depth)): _plain(item, depth=depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, depth=depth + 1) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return str_of(value).encode("utf-8", errors="replace").decode()


def str_of(value: Any) -> str:
    """Return ``str(value)``, or its type's name when that fails."""
    try:
        return str(value)
    except Exception:
        return f"<{type(value).__name__}>"
