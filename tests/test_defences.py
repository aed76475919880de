"""The list of defences fits the source and the tests, and ``docs/threats.md`` fits the list."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.defences import DEFENCES, Defence

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "threats.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("defence", DEFENCES, ids=lambda each: f"{each.threat}: {each.file}")
def test_a_defence_stands_in_the_source_once_and_its_test_is_there(defence: Defence) -> None:
    source = (ROOT / "mcp_django" / defence.file).read_text(encoding="utf-8")
    assert source.count(defence.given) == 1
    assert defence.given != defence.without
    file, _, name = defence.test.partition("::")
    assert f"def {name}(" in (ROOT / "tests" / file).read_text(encoding="utf-8")


def sections() -> dict[str, str]:
    """Return what stands below each heading of the page."""
    parts = re.split(r"^## (.+)$", PAGE, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_the_page_has_every_threat_and_no_other() -> None:
    assert list(sections()) == list(dict.fromkeys(defence.threat for defence in DEFENCES))


@pytest.mark.parametrize("threat", dict.fromkeys(defence.threat for defence in DEFENCES))
def test_the_page_names_the_tests_of_a_threat(threat: str) -> None:
    named = set(re.findall(r"`tests/([^`]+)`", sections()[threat]))
    assert named == {defence.test.partition("::")[0] for defence in DEFENCES if defence.threat == threat}
