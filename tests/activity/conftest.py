from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mcp_django.activity import flush
from mcp_django.models import Call


@pytest.fixture
def recorded(limited: Callable[..., None]) -> Iterator[Callable[..., list[Call]]]:
    """Record calls: ``recorded()`` returns those of a method, or all, oldest first. ``recorded.again(**settings)``."""
    limited(ACTIVITY="buffered")

    def recorded(method: str = "") -> list[Call]:
        flush()
        rows = Call.objects.order_by("pk")
        return list(rows.filter(method=method) if method else rows)

    yield recorded
    from mcp_django.activity.recorder import get_recorder

    get_recorder.cache_clear()


def facts(call: Call, *names: str) -> tuple[Any, ...]:
    return tuple(getattr(call, name) for name in names)
