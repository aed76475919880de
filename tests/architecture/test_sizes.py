"""How large the library's pieces may grow, and what they may not be called."""

from __future__ import annotations

import ast

from tests.architecture.sources import PACKAGE, functions, label, length, source_files, written_files

FILE_LINES = 300
"""Every line counts, blank ones and comments too."""

FUNCTION_LINES = 30
"""Every line from ``def`` to the end counts, the signature's too; decorators and the docstring don't."""

VAGUE = {"base", "bases", "common", "helper", "helpers", "misc", "util", "utils"}


def test_no_file_is_longer_than_300_lines() -> None:
    sizes = {label(path): len(path.read_text(encoding="utf-8").splitlines()) for path in written_files()}
    assert {file: size for file, size in sizes.items() if size > FILE_LINES} == {}


def test_no_function_is_longer_than_30_lines() -> None:
    sizes = {
        f"{label(path)}:{function.lineno} {function.name}": length(function)
        for path in source_files()
        for function in functions(path)
    }
    assert {function: size for function, size in sizes.items() if size > FUNCTION_LINES} == {}


def test_a_docstring_and_decorators_are_not_counted() -> None:
    (function,) = ast.parse('@one\n@two\ndef f(\n    a,\n):\n    """Say.\n\n    More.\n    """\n\n    return a\n').body
    assert isinstance(function, ast.FunctionDef)
    assert length(function) == 5


def test_no_module_has_a_name_that_says_nothing() -> None:
    parts = {part for path in source_files() for part in path.relative_to(PACKAGE).with_suffix("").parts}
    assert parts & VAGUE == set()
