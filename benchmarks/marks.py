"""The marks: ratios that must hold. All of them in one place, so that tightening them is one change."""

from __future__ import annotations

from dataclasses import dataclass

IN_PROCESS_CALL = 0.10
"""CPU of a trivial ``tools/call`` in process: at most this part of the SDK app's, in either era."""

IN_PROCESS_LIST = 0.025
"""CPU of ``tools/list`` of 100 and of 1,000 tools in process: at most this part of the SDK app's, in either era."""

BESIDE = 1.05
"""CPU of ``tools/call`` beside 1,000 tools in process: at most this many times that beside one."""

DAPHNE_CALL = 1.30
"""CPU of a trivial ``tools/call`` through daphne at 8 and 32 connections: at most this many times the bare app's."""

DAPHNE_SESSION = 1.4
"""The same in a session of a handshake client. A call that says nothing before its answer gets JSON in either form."""

DAPHNE_STREAM = 1.7
"""The same where the tool says something first, so that the answer is an event stream: of the bare app's one body."""

DAPHNE_ORM = 2.5
"""CPU of a tool that reads one row, sync or async, through daphne: at most this many times the bare app's."""

DAPHNE_ROW = 1.30
"""The same: at most this many times that of a bare application which reads the row, on one thread for all requests."""

DAPHNE_CONNECTIONS = (8, 32)

UVICORN_CALL = 0.25
"""CPU of a trivial ``tools/call`` through uvicorn: at most this part of the SDK app's on the same server."""

SLOW_QUERIES_MS = 250
"""Wall time of eight queries of 100 ms, asked at once by sync tools."""

CHECK_COMMAND = 1.15
"""CPU of ``manage.py check`` with the app: at most this many times that of the same project without it."""

IDLE_SESSION_TASKS = 0
"""Tasks that a session without a stream has in the process."""

IDLE_SESSION_KB = 4
"""Memory that a session without a stream has in the process; the process keeps what it has just read of the row."""

IDLE_STREAM = 1.4
"""Memory of the server for an idle open stream on daphne, in either era: at most this many times that of a bare one."""

IDLE_STREAM_KB = 20
"""The same in KB."""

FIRST_BYTE_MS = 50
"""Time to the first byte of a stream on daphne."""

FAN_OUT = 1.3
"""CPU for each stream that an event reaches on daphne: at most this many times that of a bare event stream."""

STREAM_TO_SDK = 1.0
"""Memory of an idle stream and CPU of a delivery: at most this part of the SDK's on the same server, in either era."""

SIGN_IN = 0.5
"""CPU that an access token adds to a call: at most this part of finding the same row with the ORM in a thread."""

GUARDED = 1.7
"""CPU of a call with an access token, a throttle and buffered activity: at most this many times that without any.

On daphne. In process, where a call takes 25 µs without them, no query of a database can hold it.
"""

STDIO_TRIPS = 4.0
"""Round trips per second over stdio: at least this many times the SDK's, in either era."""

STDIO_START = 0.7
"""CPU from the start of ``runmcp --stdio`` to its first answer: at most this part of the SDK's with Django."""

RECORDED_CALL = 1.1
"""CPU of a call that is recorded, without what is written later: at most this many times that of one that isn't."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One ratio against its limit."""

    name: str
    value: float
    limit: float
    at_least: bool = False
    """Whether more is better."""

    @property
    def passed(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def line(self) -> str:
        """Return the verdict, for people."""
        bound = f"at {'least' if self.at_least else 'most'} {self.limit:g}"
        return f"{'pass' if self.passed else 'FAIL'}  {self.value:.3g} ({bound})  {self.name}"
