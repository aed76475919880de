"""What users may rely on changes only where someone means it to, and says what it is."""

from __future__ import annotations

import inspect
from difflib import unified_diff
from typing import Any

import pytest

from tests.architecture.public_api import MODULES, SNAPSHOT, describe, function_of, public_members, public_names


def test_the_public_api_is_the_one_that_was_reviewed() -> None:
    """After a change that is meant: ``scripts/public-api``, review the diff, add a line to the changelog."""
    reviewed = SNAPSHOT.read_text(encoding="utf-8").splitlines()
    changes = "\n".join(unified_diff(reviewed, describe().splitlines(), "reviewed", "now", lineterm="", n=0))
    assert not changes, f"The public API changed. If that is meant, run scripts/public-api and review it.\n{changes}"


@pytest.mark.parametrize("module", MODULES)
def test_every_public_function_class_and_method_has_a_docstring(module: str) -> None:
    """A method may have that of the method it overrides."""
    offered: dict[str, Any] = {}
    for name, value in public_names(module).items():
        if inspect.isclass(value):
            offered |= {f"{name}.{member}": getattr(value, member) for member in public_members(value)}
        if inspect.isclass(value) or function_of(value):
            offered[name] = value
    assert [path for path, value in offered.items() if not documented(value)] == []


def documented(value: Any) -> bool:
    """Tell whether somebody wrote a docstring; dataclasses give themselves one that repeats the signature."""
    text = inspect.getdoc(value) or ""
    return bool(text) and not (inspect.isclass(value) and text.startswith(f"{value.__name__}("))
