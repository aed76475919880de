"""Which components are switched off: rows, read again when somebody says so, and anyhow every few seconds.

Nothing runs for it in the background. What may have changed is marked, and the next request reads it before it is
answered; so an idle process asks the database nothing, and a busy one once in ``FRESH_SECONDS``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from time import monotonic
from weakref import WeakKeyDictionary

from mcp_django.lanes import on_own_thread
from mcp_django.registry import MCPServer, servers
from mcp_django.sessions.events import Event
from mcp_django.sessions.hub import Hub, get_hub

logger = logging.getLogger(__name__)

FRESH_SECONDS = 5
"""What was read so long ago is read again: this bounds how long a message that was lost goes unnoticed."""

_locks: WeakKeyDictionary[Hub, asyncio.Lock] = WeakKeyDictionary()
_failing: set[str] = set()


async def read_switches(server: MCPServer) -> None:
    """Read the rows of a server that are marked as unread, once for all who wait for them.

    What can't be read, for want of a table or of the whole database, stays as it was known, until the next look.
    """
    hub = get_hub()
    if hub not in _locks:
        _locks[hub] = asyncio.Lock()
        hub.on("switches", _changed)
        hub.on_lost(_lost)
    async with _locks[hub]:
        while server.unread:
            await _read(server, hub)


async def _read(server: MCPServer, hub: Hub) -> None:
    before, lapsed = server.off, server.lapsed
    await on_own_thread(partial(read_or_keep, server, timed=True))
    if lapsed:  # else clients have been told by who switched it
        for kind in {kind for kind, _ in before ^ server.off} & {"tool", "resource", "prompt"}:
            hub.listeners.tell(Event(server.path, f"{kind}s"))  # type: ignore[arg-type]
    hub.loop.call_later(FRESH_SECONDS, _lapse, server, server.told)


def read_or_keep(server: MCPServer, *, timed: bool = False) -> None:
    """Read the rows of a server; what can't be read is told in the log once, and stays as it was. For sync code."""
    try:
        server.read_switches(timed=timed)
    except Exception as error:
        server.unread = server.unread and not timed
        if server.path not in _failing:
            _failing.add(server.path)
            logger.warning("Which components are switched off can't be read (%s): %s", type(error).__name__, error)
    else:
        _failing.discard(server.path)


@contextmanager
def on_a_passing_loop() -> Iterator[None]:
    """Let what is read in here be read again by the next request: the timers for that end with the loop."""
    began = monotonic()
    try:
        yield
    finally:
        for server in servers():
            if server.read_at >= began:
                server.mark_unread(lapsed=True)


def _lapse(server: MCPServer, told: int) -> None:
    if server.told == told:  # else it has been read since, and has a timer of its own
        server.mark_unread(lapsed=True)


def _changed(path: str, how: str) -> None:
    for server in servers():
        if server.path == path:
            server.mark_unread()
            if how == "compile":
                server.compile_anew()


def _lost() -> None:
    for server in servers():
        server.mark_unread()
