"""The marks: ratios that must hold. All of them in one place, so that tightening them is one change."""

from __future__ import annotations

from dataclasses import dataclass

IN_PROCESS_CALL = 0.25
"""CPU of a trivial ``tools/call`` in process: at most this part of the SDK app's, in either era."""

IN_PROCESS_LIST_1000 = 0.10
"""CPU of ``tools/list`` of 1,000 tools in process: at most this part of the SDK app's, in either era."""

DAPHNE_CALL = 1.6
"""CPU of a trivial ``tools/call`` through daphne at 8 connections: at most this many times the bare app's."""

DAPHNE_CONNECTIONS = 8

CHECK_COMMAND = 1.15
"""CPU of ``manage.py check`` with the app: at most this many times that of the same project without it."""

IDLE_SESSION_TASKS = 0
"""Tasks that a session without a stream has in the process."""

IDLE_SESSION_KB = 4
"""Memory that a session without a stream has in the process; the process keeps what it has just read of the row."""

IDLE_STREAM = 1.4
"""Memory of the server for an idle open stream on daphne, in either era: at most this many times that of a bare one."""

FAN_OUT = 1.3
"""CPU for each stream that an event reaches on daphne: at most this many times that of a bare event stream."""

STREAM_TO_SDK = 1.0
"""Memory of an idle stream and CPU of a delivery: at most this part of the SDK's on the same server, in either era."""

SIGN_IN = 0.5
"""CPU that an access token adds to a call: at most this part of finding the same row with the ORM in a thread."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One ratio against its limit."""

    name: str
    value: float
    limit: float

    @property
    def passed(self) -> bool:
        return self.value <= self.limit

    def line(self) -> str:
        """Return the verdict, for people."""
        return f"{'pass' if self.passed else 'FAIL'}  {self.value:.3g} (at most {self.limit:g})  {self.name}"
