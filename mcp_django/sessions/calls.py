"""The calls of sessions that run in this process: how many, and how to cancel one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from mcp_django.conf import get_settings
from mcp_django.sessions.hub import Hub, get_hub

RequestId = int | str


class TooManyCalls(Exception):
    """``MAX_CALLS_PER_SESSION`` run already."""


class AlreadyRunning(Exception):
    """A call of this id runs already."""


class Calls:
    """Per process and loop."""

    def __init__(self) -> None:
        self._cancel: dict[tuple[str, str], Callable[[], None]] = {}
        self._count: Counter[str] = Counter()

    @contextmanager
    def running(self, session_id: str, request_id: RequestId, cancel: Callable[[], None]) -> Iterator[None]:
        """Count a call while it runs, and let it be cancelled.

        Raises:
            AlreadyRunning: one of this id runs here.
            TooManyCalls: the session has too many of them here.
        """
        slot = (session_id, json.dumps(request_id))
        if slot in self._cancel:
            raise AlreadyRunning
        if self._count[session_id] >= get_settings().MAX_CALLS_PER_SESSION:
            raise TooManyCalls
        self._cancel[slot] = cancel
        self._count[session_id] += 1
        try:
            yield
        finally:
            del self._cancel[slot]
            self._count[session_id] -= 1
            if not self._count[session_id]:
                del self._count[session_id]

    def cancel(self, session_id: str, request_id: str) -> bool:
        """Cancel a call, and say whether it was here. ``request_id``: as JSON."""
        cancel = self._cancel.get((session_id, request_id))
        if cancel is not None:
            cancel()
        return cancel is not None


_calls: WeakKeyDictionary[Hub, Calls] = WeakKeyDictionary()


def get_calls() -> Calls:
    """Return the calls of the running loop."""
    hub = get_hub()
    if hub not in _calls:
        calls = _calls[hub] = Calls()
        hub.on("cancel", calls.cancel)
    return _calls[hub]


def cancel_call(session_id: str, request_id: RequestId) -> None:
    """Cancel a call of a session, in whatever process it runs."""
    wanted = json.dumps(request_id)
    if not get_calls().cancel(session_id, wanted):
        get_hub().publish(("cancel", session_id, wanted))
