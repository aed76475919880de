"""What HTTP says of an answer, by its era."""

from __future__ import annotations

import pytest

from mcp_django.engine.dispatcher import Answer
from mcp_django.transports.eras import status_of


@pytest.mark.parametrize(
    ("code", "status"),
    [(0, 200), (-32700, 400), (-32600, 400), (-32602, 400), (-32020, 400), (-32022, 400), (-32601, 404), (-32603, 200)],
)
def test_2026_07_28_tells_an_error_by_the_status_too(code: int, status: int) -> None:
    assert status_of(Answer(b"", code), modern=True) == status
    assert status_of(Answer(b"", code), modern=False) == 200
