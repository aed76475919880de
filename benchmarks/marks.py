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
