"""The calls of sessions that run in this process: how many, and how to cancel one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from mcp_django.conf import get_settings

if TYPE_CHECKING:
    from mcp_django.sessions.hub import Hub

RequestId = int | str


class TooManyCalls(Exception):
    """``MAX_CALLS_PER_SESSION`` run already."""


class AlreadyRunning(Exception):
    """A call of this id runs already."""


class Calls:
    """Those of one loop: its hub has them."""

    def __init__(self) -> None:
        self._cancel: dict[tuple[str, str], Callable[[], None]] = {}
        self._count: dict[str, int] = {}

    def running(self, session_id: str, request_id: RequestId, cancel: Callable[[], None]) -> Running:
        """Count a call while it runs, and let it be cancelled.

        Raises (on entering):
            AlreadyRunning: one of this id runs here.
            TooManyCalls: the session has too many of them here.
        """
        return Running(self, (session_id, _as_json(request_id)), cancel)

    def add(self, call: tuple[str, str], cancel: Callable[[], None]) -> None:
        """Note a call: its session, and its id as JSON. Raises as ``running``."""
        if call in self._cancel:
            raise AlreadyRunning
        count = self._count.get(call[0], 0)
        if count >= get_settings().MAX_CALLS_PER_SESSION:
            raise TooManyCalls
        self._cancel[call] = cancel
        self._count[call[0]] = count + 1

    def discard(self, call: tuple[str, str]) -> None:
        """Note that a call is over."""
        del self._cancel[call]
        left = self._count[call[0]] - 1
        if left:
            self._count[call[0]] = left
        else:
            del self._count[call[0]]

    def cancel(self, session_id: str, request_id: str) -> bool:
        """Cancel a call, and say whether it was here. ``request_id``: as JSON."""
        cancel = self._cancel.get((session_id, request_id))
        if cancel is not None:
            cancel()
        return cancel is not None


class Running:
    """Notes a call for as long as it runs."""

    __slots__ = ("_call", "_calls", "_cancel")

    def __init__(self, calls: Calls, call: tuple[str, str], cancel: Callable[[], None]) -> None:
        self._calls, self._call, self._cancel = calls, call, cancel

    def __enter__(self) -> None:
        self._calls.add(self._call, self._cancel)

    def __exit__(self, *exc_info: object) -> None:
        self._calls.discard(self._call)


def cancel_call(hub: Hub, session_id: str, request_id: RequestId) -> None:
    """Cancel a call of a session, in whatever process it runs."""
    wanted = _as_json(request_id)
    if not hub.calls.cancel(session_id, wanted):
        hub.publish(("cancel", session_id, wanted))


def _as_json(request_id: RequestId) -> str:
    return str(request_id) if type(request_id) is int else json.dumps(request_id)
