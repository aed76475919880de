"""docs/how-to/migrate-from-fastmcp.md."""

from __future__ import annotations

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import mcp_django.fastmcp
from mcp_django.fastmcp import FastMCP
from mcp_django.fastmcp.arguments import NAMES
from mcp_django.registry.discovery import settle_default
from tests.docs.conftest import Ask, Load
from tests.docs.pages import DOCS, ROOT

PAGE = (DOCS / "how-to/migrate-from-fastmcp.md").read_text(encoding="utf-8")
SEEDS = ROOT / "tests/seeds"


def rows(heading: str) -> list[tuple[str, str]]:
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    cells = [line.strip("| \n").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return [(left, right) for left, right in cells]


IMPORTS = [(left.strip("`"), right.strip("`")) for left, right in rows("Imports")]


def found(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


@pytest.mark.parametrize("new", sorted({new for _, new in IMPORTS}))
def test_every_new_name_can_be_imported(new: str) -> None:
    assert found(new) is not None


def test_the_table_holds_every_name_that_is_offered() -> None:
    named = {new.removeprefix("mcp_django.fastmcp.") for _, new in IMPORTS if new.startswith("mcp_django.fastmcp.")}
    assert named == set(mcp_django.fastmcp.__all__) - {"FastMCPWarning"}


def test_every_import_of_the_ported_blocks_is_in_the_table() -> None:
    used = set()
    for page in ("custom_routes", "faq"):
        for file in (SEEDS / page).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and str(node.module).startswith("mcp_django.fastmcp"):
                    used |= {f"{node.module}.{alias.name}" for alias in node.names}
    assert used
    assert used - {new for _, new in IMPORTS} == set()


def test_the_table_holds_every_argument_of_the_constructor() -> None:
    named = {name for left, _ in rows("Arguments of `FastMCP(...)`") for name in re.findall(r"`(\w+)`", left)}
    own = set(inspect.signature(FastMCP.__init__).parameters) - {"self", "options"}
    assert named == own | NAMES


def test_every_setting_that_is_named_exists() -> None:
    from django.conf import global_settings

    from mcp_django.conf import MCPSettings

    named = set(re.findall(r"settings? \[?`([A-Z_]+)`", PAGE))
    known = set(MCPSettings.__dataclass_fields__) | set(dir(global_settings))
    assert named
    assert named - known == set()


@pytest.mark.anyio
@pytest.mark.django_db(transaction=True)
async def test_the_example_answers_where_fastmcp_did(load: Load, ask: Ask, default_server: Any) -> None:
    mcp = load("docs.examples.migrating").mcp
    settle_default()
    assert mcp.path == ""
    async with ask(mcp) as client:
        result = await client.call_tool("greet", {"name": "Ada"})
    assert result.structured_content == {"result": "Hello, Ada!"}


def test_the_example_differs_from_its_source_in_the_import_alone() -> None:
    text = Path(ROOT / "docs/examples/migrating.py").read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if "mcp_django" in line] == [
        "from mcp_django.fastmcp import Context, FastMCP  # was: from mcp.server.fastmcp import Context, FastMCP"
    ]
