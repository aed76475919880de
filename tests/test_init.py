"""The public names, which are bound when they are first used."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

import mcp_django


@pytest.mark.parametrize("name", mcp_django.__all__)
def test_every_public_name_is_there(name: str) -> None:
    found = getattr(mcp_django, name)
    assert found is getattr(mcp_django, name)
    assert name in dir(mcp_django)


def test_a_name_is_the_one_of_its_home() -> None:
    from mcp_django.engine.context import Context
    from mcp_django.exceptions import ToolError
    from mcp_django.registry import MCPServer, mcp

    assert (mcp_django.Context, mcp_django.ToolError) == (Context, ToolError)
    assert (mcp_django.MCPServer, mcp_django.mcp) == (MCPServer, mcp)


def test_a_star_import_gives_the_public_names() -> None:
    found: dict[str, object] = {}
    exec("from mcp_django import *", found)
    assert set(mcp_django.__all__) <= found.keys()


def test_an_unknown_name_is_the_usual_error() -> None:
    with pytest.raises(AttributeError, match="module 'mcp_django' has no attribute 'Tool'"):
        mcp_django.Tool  # noqa: B018 - looking it up is what fails


def test_dir_names_what_python_adds_as_well() -> None:
    assert {"__name__", "__version__", "mcp"} <= set(dir(mcp_django))


def test_the_version_is_that_of_the_distribution() -> None:
    try:
        installed = version("django-mcp-channels")
    except PackageNotFoundError:  # run from a checkout
        return
    assert mcp_django.__version__ == installed


def test_declaring_tools_resources_and_prompts_loads_neither_the_sdk_nor_pydantic() -> None:
    script = """
import sys
from mcp_django import *

@mcp.tool(destructive=True)
def vote(choice_id: int, ctx: Context) -> str: ...

@mcp.resource("polls://{poll_id}")
def poll(poll_id: int) -> dict: ...

@mcp.prompt
def summarise(poll_id: int) -> str: ...

@mcp.completion(prompt="summarise", argument="poll_id")
def polls(typed: str) -> list[str]: ...

@mcp.custom_route("/health")
def health(request): ...

MCPServer("reports")
print(sorted({"mcp", "mcp_types", "pydantic", "pydantic_core"} & sys.modules.keys()))
"""
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True, cwd=root
    )
    assert done.stdout == "[]\n"
