"""What every measured server does once it has loaded: docs/how-to/performance.md asks for it."""

from __future__ import annotations

import gc


def freeze() -> None:
    """Keep what is there by now away from the garbage collector."""
    gc.collect()
    gc.freeze()
