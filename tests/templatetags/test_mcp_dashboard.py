from __future__ import annotations

import pytest
from django.utils.translation import override

from mcp_django.templatetags.mcp_dashboard import count, milliseconds, percent


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0, "0.0 %"), (0.00001, "0.1 %"), (1 / 6, "16.7 %"), (0.9999, "100.0 %"), (1, "100.0 %")],
)
def test_a_share_is_rounded_and_what_is_there_at_all_is_not_nothing(share: float, shown: str) -> None:
    assert percent(share) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "-"), (0.04, "0.0"), (9.96, "10.0"), (15.9, "16"), (12345.6, "12,346")]
)
def test_a_duration_is_rounded_to_what_counts(value: float | None, shown: str) -> None:
    assert milliseconds(value) == shown


def test_numbers_are_written_as_the_language_does() -> None:
    with override("de"):
        assert (count(1234567), percent(0.125), milliseconds(1234.5)) == ("1.234.567", "12,5 %", "1.234")
