"""What is asked of the database, in whatever thread."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.backends.utils import CursorWrapper


def note_queries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows with every SQL statement."""
    queries: list[str] = []
    execute = CursorWrapper.execute

    def noted(self: CursorWrapper, sql: Any, params: Any = None) -> Any:
        queries.append(str(sql))
        return execute(self, sql, params)

    monkeypatch.setattr(CursorWrapper, "execute", noted)
    return queries
