"""What has to end when the server stops, and isn't a call that somebody waits for. Loads nothing."""

from __future__ import annotations

from collections.abc import Callable

at_stop: set[Callable[[], None]] = set()
"""Called on the server's loop, once it wants to stop."""
