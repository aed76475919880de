from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.sessions.switch import sessions_on


@pytest.fixture
def sessions(settings: Any) -> Iterator[None]:
    """Keep sessions. For tests that may use the database."""
    with sessions_on(settings):
        yield
