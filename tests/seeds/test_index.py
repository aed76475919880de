"""That no block of the pages is missing."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.seeds.conftest import Serve

HERE = Path(__file__).parent
ROWS = [line.split(" | ") for line in (HERE / "index.txt").read_text(encoding="utf-8").splitlines()[1:]]
BLOCKS = {"custom_routes": 16, "faq": 28}
"""How many fenced blocks each page has."""

MODULES = sorted(row[5].removesuffix(".py").replace("/", ".") for row in ROWS if row[5].endswith(".py"))


def test_every_block_of_both_pages_has_its_file() -> None:
    assert Counter(row[0] for row in ROWS) == BLOCKS
    for page, number in BLOCKS.items():
        assert [int(row[1]) for row in ROWS if row[0] == page] == list(range(1, number + 1))
    assert [row[5] for row in ROWS if not (HERE / row[5]).is_file()] == []
    assert len({row[4] for row in ROWS}) == len({row[5] for row in ROWS}) == sum(BLOCKS.values())


def test_every_file_is_a_block() -> None:
    files = {file for page in BLOCKS for file in (HERE / page).rglob("*") if file.is_file()}
    kept = {file.relative_to(HERE).as_posix() for file in files if file.suffix != ".pyc" and file.name != "__init__.py"}
    assert kept - {"faq/modules/auth.py", "faq/modules/data.py"} == {row[5] for row in ROWS}


def test_every_block_has_a_test_that_names_it() -> None:
    tests = "".join(file.read_text(encoding="utf-8") for file in HERE.glob("test_*.py") if file.name != "test_index.py")
    assert [
        row[5] for row in ROWS if row[5].removesuffix(".py").replace("/", ".") not in tests and row[5] not in tests
    ] == []


def test_no_block_imports_what_is_gone() -> None:
    for name in MODULES:
        text = (HERE / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8")
        assert re.findall(r"^(?:from|import) mcp\.server\S*", text, re.MULTILINE) == [], name


@pytest.mark.parametrize("name", MODULES)
def test_every_block_can_be_imported(serve: Serve, name: str) -> None:
    site = serve(name, AUTH="required")
    assert site.application is not None
