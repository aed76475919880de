"""The arguments of a call as they may be kept: without what looks like a secret, and short."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mcp_django.conf import get_settings

MAX_CHARACTERS = 2000
"""Most characters of JSON that are kept of one call's arguments."""

MAX_VALUES = 200
"""Most values that are looked at."""

REDACTED = "[redacted]"


def kept_arguments(arguments: Any) -> str:
    """Return arguments as JSON in ASCII, cut off at ``MAX_CHARACTERS``; empty when there are none to keep."""
    if not isinstance(arguments, Mapping) or not arguments:
        return ""
    text = json.dumps(_Redaction(get_settings().ACTIVITY_REDACT).of(arguments))
    return text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 3] + "..."


class _Redaction:
    """One walk through the arguments of one call."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = tuple(name.lower() for name in names)
        self._left = MAX_VALUES

    def of(self, value: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            return "..."
        if isinstance(value, Mapping):
            return {key[:MAX_CHARACTERS]: self._under(key, each) for key, each in self._some(value.items())}
        if isinstance(value, list):
            return [self.of(each) for each in self._some(value)]
        return value[:MAX_CHARACTERS] if isinstance(value, str) else value

    def _under(self, key: str, value: Any) -> Any:
        lowered = key.lower()
        return REDACTED if any(name in lowered for name in self._names) else self.of(value)

    def _some(self, values: Any) -> Any:
        """Yield values until enough have been looked at."""
        for value in values:
            if self._left <= 0:
                return
            yield value
