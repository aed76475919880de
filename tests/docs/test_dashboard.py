"""docs/how-to/dashboard.md."""

from __future__ import annotations

import pytest

from mcp_django.models import Call, Dashboard, Session
from mcp_django.signals import tool_called
from tests.docs.conftest import Load


def test_a_site_of_ones_own_has_the_dashboard(load: Load) -> None:
    example = load("docs.examples.dashboard")
    tool_called.disconnect(example.notice)
    assert example.site.is_registered(Dashboard)
    assert example.site.is_registered(Session)


def test_a_receiver_is_told_of_a_tool_that_failed(load: Load, caplog: pytest.LogCaptureFixture) -> None:
    example = load("docs.examples.dashboard")
    try:
        for outcome in ("ok", "tool_error"):
            call = Call(outcome=outcome, component="vote", error="IntegrityError")
            tool_called.send_robust(Call, call=call)
    finally:
        tool_called.disconnect(example.notice)
    assert [record.getMessage() for record in caplog.records] == ["vote failed: IntegrityError"]
