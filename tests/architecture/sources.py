"""The library's source, as the tests of this folder read it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import mcp_django

PACKAGE = Path(mcp_django.__file__).parent

Function = ast.FunctionDef | ast.AsyncFunctionDef


def source_files() -> list[Path]:
    """Return every Python file of the library, migrations too."""
    return sorted(PACKAGE.rglob("*.py"))


def written_files() -> list[Path]:
    """Return those that people write: Django makes a migration, however long."""
    return [path for path in source_files() if path.parent.name != "migrations"]


def label(path: Path) -> str:
    """Return a file's path from the root of the repository."""
    return path.relative_to(PACKAGE.parent).as_posix()


def functions(path: Path) -> Iterator[Function]:
    """Yield every function and method of a file, nested ones too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, Function):
            yield node


def length(function: Function) -> int:
    """Count a function's lines, from ``def`` to its end, blank ones too; without decorators and its docstring."""
    first = function.body[0]
    docstring = first.end_lineno - first.lineno + 1 if ast.get_docstring(function) and first.end_lineno else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - docstring
