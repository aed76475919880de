"""Telling every process something, from anywhere in Django: a view, a signal receiver, a job, a command, a shell."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
from concurrent.futures import CancelledError
from contextlib import suppress
from threading import Event as ThreadEvent
from threading import Lock, Thread

from channels.layers import InMemoryChannelLayer, get_channel_layer

from mcp_django.sessions.events import Event, Kind
from mcp_django.sessions.hub import CLOSE_SECONDS, Hub, Nudge, close_hub, get_hub, running_hubs

logger = logging.getLogger(__name__)

SEND_SECONDS = 2
"""How long a process that serves nobody waits for the channel layer to take a message."""


def publish(item: Event | Nudge) -> None:
    """Hand over to this process and to all others; any thread may call it.

    It waits for nothing where clients are served, nor on a loop. Elsewhere, as in a command that may end at once, it
    waits until the channel layer has taken it, ``SEND_SECONDS`` at most.
    """
    handed = False
    for hub in running_hubs():
        try:
            hub.publish_threadsafe(item)
        except RuntimeError:  # its loop has just been closed
            continue
        handed = True
        if hub.layer is not None:
            return  # which carries it to the other loops of this process as well
    if not handed:
        _publish_from_nowhere(item)


def announce(server: str, kind: Kind, uri: str) -> None:
    """Tell whoever listens that something of a server changed."""
    publish(Event(server, kind, uri))


def _publish_from_nowhere(item: Event | Nudge) -> None:
    """A process that serves nobody: only the other processes are interested."""
    layer = get_channel_layer()
    if layer is None or isinstance(layer, InMemoryChannelLayer):
        return
    sender = _sender()
    sender.publish_threadsafe(item)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        sent = asyncio.run_coroutine_threadsafe(sender.flush(), sender.loop)
        with suppress(TimeoutError, CancelledError):
            sent.result(SEND_SECONDS)


_lock = Lock()
_sending: Hub | None = None


def _sender() -> Hub:
    """Return a hub on a loop and thread of its own, started when a process without one first has something to say."""
    global _sending
    with _lock:
        if _sending is None or not _sending.loop.is_running():
            ready, started = ThreadEvent(), list[Hub]()
            Thread(target=_run, args=(ready, started), name="mcp-publisher", daemon=True).start()
            ready.wait()
            _sending = started[0]
        return _sending


def _run(ready: ThreadEvent, started: list[Hub]) -> None:
    async def main() -> None:
        hub, stop = get_hub(listening=False), asyncio.Event()
        loop = asyncio.get_running_loop()
        atexit.register(_stop, loop, stop)
        started.append(hub)
        ready.set()
        await stop.wait()
        await close_hub()
        done.set()

    def _stop(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
        loop.call_soon_threadsafe(stop.set)
        done.wait(CLOSE_SECONDS)

    done = ThreadEvent()
    asyncio.run(main())


def _forget() -> None:
    global _sending
    _sending = None


os.register_at_fork(after_in_child=_forget)
