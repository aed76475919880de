"""The channel layer of an event loop: one that no other loop of the process receives from.

A process has several loops when staff use the console, or a plain view serves beside ASGI. Channels keeps one layer for
all of them, and that of Redis refuses to receive for two.
"""

from __future__ import annotations

import asyncio
import os
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from channels import DEFAULT_CHANNEL_LAYER
from channels.layers import InMemoryChannelLayer, channel_layers, get_channel_layer

_layers: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()
_lock = Lock()


def layer_of_this_loop(*, receiving: bool = True) -> Any:
    """Return the layer that the running loop may use; ``None``: the project has none.

    It is Channels' own for the first loop, and for every loop if it is in memory; another of the same settings for a
    further one.

    Args:
        receiving: whether the loop will receive from it, and not only send.
    """
    loop, layer = asyncio.get_running_loop(), get_channel_layer()
    if layer is None or isinstance(layer, InMemoryChannelLayer) or not receiving:
        return layer
    with _lock:
        known = _layers.get(loop)
        if known is None:
            taken = any(each is layer for other, each in _layers.items() if other.is_running())
            known = _layers[loop] = channel_layers.make_backend(DEFAULT_CHANNEL_LAYER) if taken else layer
    return known


def _forget() -> None:
    """Start over in a forked child, which has none of its parent's loops."""
    global _lock
    _lock = Lock()
    _layers.clear()


os.register_at_fork(after_in_child=_forget)
