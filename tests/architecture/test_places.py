"""Where the tests of real servers lie: CI asks no other folder for them."""

from __future__ import annotations

import ast
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
FOLDERS = {"docs", "servers"}
MARKERS = {"matrix", "server"}


def marks(path: Path) -> bool:
    """Whether a file names one of the markers."""
    return any(
        isinstance(node, ast.Attribute) and node.attr in MARKERS and ast.unparse(node.value) == "pytest.mark"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )


def test_only_folders_that_ci_asks_hold_tests_of_real_servers() -> None:
    marked = {path.relative_to(TESTS).parts[0] for path in TESTS.rglob("test_*.py") if marks(path)}
    assert marked == FOLDERS
