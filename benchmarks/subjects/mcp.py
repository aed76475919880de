"""Our side of the comparison."""

from __future__ import annotations

from benchmarks.subjects.functions import FUNCTIONS
from mcp_django import mcp

for function in FUNCTIONS:
    mcp.add_tool(function)
