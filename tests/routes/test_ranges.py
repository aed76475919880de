"""The header ``Range``."""

from __future__ import annotations

import pytest

from mcp_django.routes.ranges import Unsatisfiable, requested_range


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=2-4", (2, 5)),
        ("bytes=2-", (2, 10)),
        ("bytes=2-99", (2, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-99", (0, 10)),
        ("Bytes = 1-2 ", (1, 3)),
        ("", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=4-2", None),
        ("bytes=a-b", None),
        ("bytes=0-1,3-4", None),
        ("items=0-1", None),
        ("bytes=" + "9" * 5000 + "-", None),
        ("bytes=٣-٤", None),
    ],
)
def test_one_range_of_bytes_is_a_part_and_all_else_the_whole(header: str, part: tuple[int, int] | None) -> None:
    assert requested_range(header, 10) == part


@pytest.mark.parametrize(("header", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-1", 0)])
def test_what_lies_behind_the_end_can_not_be_had(header: str, size: int) -> None:
    with pytest.raises(Unsatisfiable):
        requested_range(header, size)
