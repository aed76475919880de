"""Signatures of every kind give the schemas that the SDK makes of them, but for what the table says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from mcp.server.mcpserver.tools import Tool as SDKTool

from mcp_django.engine.compile import compile_tool
from mcp_django.registry import ToolDeclaration
from tests.differential.corpus import Form
from tests.differential.differences import compare
from tests.differential.pair import Pair
from tests.differential.report import report
from tests.differential.sides import Answer
from tests.differential.signatures import DIFFERS, SIGNATURES

COMMON = {"closed-schema", "empty-members", "schema-title"}
"""What any tool in a list may show."""


@pytest.mark.parametrize("fn", SIGNATURES, ids=lambda fn: fn.__name__)
def test_a_signature_gives_the_schemas_that_the_sdk_gives(fn: Callable[..., Any]) -> None:
    ours = compile_tool(ToolDeclaration(fn=fn, name=fn.__name__)).listing
    tool = SDKTool.from_function(fn)
    theirs = {
        "name": tool.name,
        "description": tool.description,
        "inputSchema": tool.parameters,
        "outputSchema": tool.output_schema,
    }
    posted = Form("2025-11-25").request("tools/list")
    shown, leveled = compare(Pair(posted, _listed(ours), _listed(theirs)))
    assert not report(leveled), "\n" + report(leveled)
    assert shown - COMMON == set(filter(None, [DIFFERS.get(fn.__name__)]))


def _listed(tool: dict[str, Any]) -> Answer:
    """Make the answer to ``tools/list`` of one tool."""
    present = {key: value for key, value in tool.items() if value is not None}
    return Answer(200, "json", [json.loads(json.dumps({"result": {"tools": [present]}}))])
