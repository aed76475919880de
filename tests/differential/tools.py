"""Every tool that both servers serve: those that take and give, and those that speak or fail."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.shared.exceptions import MCPError

from tests.differential import tools_that_give, tools_that_take


async def report_twice(ctx: Context) -> str:
    await ctx.report_progress(1, 2, "half")
    await ctx.report_progress(2, 2)
    return "reported"


async def log_levels(ctx: Context) -> str:
    await ctx.debug("d")
    await ctx.info({"a": 1})
    await ctx.warning("w", logger_name="named")
    await ctx.error("e")
    return "logged"


async def read_nested(ctx: Context, uri: str = "static://text") -> str:
    contents = await ctx.read_resource(uri)
    return "".join(f"{each.mime_type} {each.content!r}" for each in contents)


async def fail_on_purpose() -> str:
    raise ToolError("the model may read this")


async def fail_by_accident() -> str:
    raise RuntimeError("nobody may read this")


def fail_in_a_thread() -> str:
    raise RuntimeError("nobody may read this")


async def fail_with_a_protocol_error() -> str:
    raise MCPError(code=-31000, message="on purpose", data={"why": "asked"})


async def fail_with_invalid_params() -> str:
    raise MCPError(code=-32602, message="on purpose")


async def documented(a: int) -> str:
    """Says what it does.

    In two paragraphs.
    """
    return str(a)


@dataclasses.dataclass(frozen=True)
class Declared:
    """How a tool is declared on either server."""

    fn: Callable[..., Any]
    name: str
    title: str | None = None
    description: str | None = None
    hints: dict[str, bool] = dataclasses.field(default_factory=dict)
    meta: dict[str, Any] | None = None
    structured_output: bool | None = None


_PREFIXES = ("give_", "take_", "report_", "log_", "read_", "fail_", "documented")
_FUNCTIONS = {**vars(tools_that_give), **vars(tools_that_take), **globals()}
TOOLS: tuple[Declared, ...] = (
    *(Declared(fn, name) for name, fn in _FUNCTIONS.items() if name.startswith(_PREFIXES)),
    Declared(
        tools_that_give.give_int,
        "adorned",
        title="Adorned",
        description="With everything.",
        hints={"read_only": True, "destructive": False, "idempotent": True, "open_world": False},
        meta={"example.org/note": {"a": 1}},
    ),
    Declared(tools_that_give.give_int, "plain_number", structured_output=False),
)
