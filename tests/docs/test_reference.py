"""docs/reference: nothing that users may rely on is without its entry."""

from __future__ import annotations

import inspect
import json
import re
from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from importlib import import_module
from pathlib import Path

import pytest
from django.dispatch import Signal

import mcp_django
from mcp_django import Context, MCPServer
from mcp_django.conf import MCPSettings, OAuthSettings
from mcp_django.registry import PromptDeclaration, ResourceDeclaration, ToolDeclaration
from tests.architecture.public_api import MODULES, public_names
from tests.docs.pages import DOCS, blocks, entries, headings

REFERENCE = DOCS / "reference"


def explained(page: str, section: str = "") -> set[str]:
    found = entries(REFERENCE / page)
    return found[section] if section else set().union(*found.values())


def test_every_setting_has_an_entry_and_no_entry_is_without_its_setting() -> None:
    settings = {field.name for field in (*fields(MCPSettings), *fields(OAuthSettings))}
    assert {name for name in headings(REFERENCE / "settings.md") if name.isupper()} == settings


KINDS = {
    "str": "string",
    "int": "whole number",
    "float": "number",
    "bool": "boolean",
    "tuple[str, ...]": "list of strings",
    "Mapping[str, tuple[str, ...]]": "dict",
    "OAuthSettings": "dict",
}


def written(field: Field[object]) -> str:
    """Return a default as one would write it in settings.py."""
    default = field.default_factory() if field.default_factory is not MISSING else field.default
    if isinstance(default, str):
        return f'"{default}"'
    if isinstance(default, Mapping | OAuthSettings):
        return "{}"
    return json.dumps(default) if isinstance(default, tuple) else str(default)


@pytest.mark.parametrize(("cls", "level"), [(MCPSettings, "##"), (OAuthSettings, "###")])
def test_every_entry_of_a_setting_says_its_default(cls: type, level: str) -> None:
    text = (REFERENCE / "settings.md").read_text(encoding="utf-8")
    for field in fields(cls):
        entry = text.split(f"\n{level} `{field.name}`\n")[1].split("\n##")[0]
        assert f"Default: `{written(field)}`" in entry, field.name
        assert f"Type: {KINDS[str(field.type)]}" in entry, field.name
        if field.name.endswith("_SECONDS"):
            assert "Unit: seconds" in entry, field.name
        if field.name.endswith("_BYTES"):
            assert "Unit: bytes" in entry, field.name


def test_every_check_id_has_an_entry_and_no_entry_is_without_its_check() -> None:
    source = "".join(file.read_text(encoding="utf-8") for file in Path(mcp_django.__path__[0]).rglob("*.py"))
    ids = set(re.findall(r'id="(mcp_django\.[EWI]\d{3})"', source))
    assert set(headings(REFERENCE / "checks.md")) - {"System checks"} == ids


def test_every_check_that_runs_with_deploy_says_so() -> None:
    text = (REFERENCE / "checks.md").read_text(encoding="utf-8")
    sections = {part.split("`\n")[0]: part for part in text.split("## `")[1:]}
    assert {name for name, part in sections.items() if "With `--deploy`" in part} == {
        "mcp_django.E004",
        "mcp_django.W003",
        "mcp_django.W005",
        "mcp_django.W011",
        "mcp_django.W014",
        "mcp_django.W015",
        "mcp_django.W016",
        "mcp_django.W017",
        "mcp_django.W023",
        "mcp_django.W024",
    }


def test_every_option_of_a_command_has_an_entry() -> None:
    files = (Path(mcp_django.__path__[0]) / "management/commands").glob("[!_]*.py")
    expected = {"Commands"}
    for name in (file.stem for file in files):
        parser = ArgumentParser(add_help=False)
        import_module(f"mcp_django.management.commands.{name}").Command().add_arguments(parser)
        expected |= {name} | {option for action in parser._actions for option in action.option_strings}
    assert set(headings(REFERENCE / "commands.md")) == expected


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_has_an_entry(module: str) -> None:
    assert set(public_names(module)) - explained("api.md", module) == set()


def test_every_signal_has_an_entry() -> None:
    from mcp_django import signals

    names = {name for name, value in vars(signals).items() if isinstance(value, Signal) and not name.startswith("_")}
    assert names - explained("api.md", "mcp_django.signals") == set()


@pytest.mark.parametrize("cls", [Context, MCPServer])
def test_every_public_member_has_an_entry(cls: type) -> None:
    members = {name for name, _ in inspect.getmembers(cls) if not name.startswith("_")}
    assert members - explained("api.md", "mcp_django") == set()


@pytest.mark.parametrize("cls", [ToolDeclaration, ResourceDeclaration, PromptDeclaration])
def test_every_option_of_a_declaration_has_an_entry(cls: type) -> None:
    options = {field.name for field in fields(cls)} - {"fn", "uri"}
    assert options - explained("api.md", "mcp_django") == set()


def test_every_method_that_is_served_is_named() -> None:
    from mcp_django.engine.dispatcher import METHODS

    text = (REFERENCE / "protocol.md").read_text(encoding="utf-8")
    assert [method for method in METHODS if f"`{method}`" not in text] == []


def test_the_reference_has_no_examples_that_nothing_runs() -> None:
    assert {block.language for page in REFERENCE.glob("*.md") for block in blocks(page)} <= {"sh"}
