"""``Context`` wherever it stands, what docstrings say of parameters, and schemas that the author wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial, wraps
from typing import Annotated, Any, Optional, Union

import pytest
from mcp.server.mcpserver import Context as SDKContext
from pydantic import BaseModel

from mcp_django import Context, MCPServer
from mcp_django.engine.compile import Tool, compile_tool
from mcp_django.engine.signatures import InvalidArguments, is_context
from mcp_django.registry import ToolDeclaration
from mcp_django.registry.declarations import declare
from mcp_django.transports.streamable_http import StreamableHTTPConsumer
from tests.wire import modern_request, post

pytestmark = pytest.mark.anyio


def tool_of(fn: Callable[..., Any], **options: Any) -> Tool:
    return compile_tool(declare(ToolDeclaration, fn, "tool", options))


class OurContext(Context):
    """A context of the author's own."""


def first(ctx: Context, number: int) -> str:
    return f"{type(ctx).__name__} {number}"


def last(number: int, ctx: Context) -> str:
    return f"{type(ctx).__name__} {number}"


def named(number: int, *, whatever: Context) -> str:
    return f"{type(whatever).__name__} {number}"


def union(number: int, ctx: Context | None = None) -> str:
    return f"{type(ctx).__name__} {number}"


def optional(number: int, ctx: Optional[Context] = None) -> str:  # noqa: UP045 - both spellings
    return f"{type(ctx).__name__} {number}"


def annotated(ctx: Annotated[Context, "injected"], number: int) -> str:
    return f"{type(ctx).__name__} {number}"


def sdk(number: int, ctx: SDKContext) -> str:
    return f"{type(ctx).__name__} {number}"


def sdk_generic(number: int, ctx: SDKContext[Any, Any]) -> str:
    return f"{type(ctx).__name__} {number}"


def twice(ctx: Context, number: int, other: Context) -> str:
    return f"{type(ctx).__name__} {number}" if ctx is other else "two"


ALL = [first, last, named, union, optional, annotated, sdk, sdk_generic, twice]


@pytest.mark.parametrize("fn", ALL)
def test_a_client_knows_nothing_of_the_context(fn: Callable[..., Any]) -> None:
    tool = tool_of(fn)
    assert list(tool.listing["inputSchema"]["properties"]) == ["number"]
    assert "Context" not in json.dumps(tool.listing)


@pytest.mark.parametrize("fn", ALL)
async def test_a_function_gets_the_context_wherever_it_asks_for_it(server: MCPServer, fn: Callable[..., Any]) -> None:
    server.add_tool(fn, "tool")
    message, headers = modern_request("tools/call", {"name": "tool", "arguments": {"number": 3}})
    response = await post(StreamableHTTPConsumer.as_asgi(server=server), message, headers=headers)
    assert response.json["result"]["structuredContent"] == {"result": "Context 3"}


def test_a_client_can_not_pass_a_context() -> None:
    with pytest.raises(InvalidArguments, match="ctx: there is no such argument"):
        tool_of(union).signature.validate({"number": 3, "ctx": {}})


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (Context, True),
        (OurContext, True),
        (SDKContext, True),
        (Union[int, Context], True),  # noqa: UP007 - both spellings
        (Annotated[Context | None, "x"], True),
        (int, False),
        (list[Context], False),
        ("Context", False),
        (None, False),
    ],
)
def test_a_context_is_known_by_its_annotation(annotation: Any, expected: bool) -> None:
    assert is_context(annotation) is expected


# Whatever can be called


class Finder:
    """Finds polls."""

    async def __call__(self, query: str) -> str:
        return query

    def find(self, query: str, ctx: Context) -> str:
        """Find one."""
        return query


def decorated(fn: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(fn)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)

    return inner


@pytest.mark.parametrize(
    ("fn", "names"),
    [
        (Finder(), ["query"]),
        (Finder().find, ["query"]),
        (partial(first, number=5), ["number"]),
        (decorated(last), ["number"]),
    ],
)
def test_the_signature_is_that_of_the_innermost_function(fn: Callable[..., Any], names: list[str]) -> None:
    assert list(tool_of(fn).listing["inputSchema"]["properties"]) == names


class Street(BaseModel):
    name: str


def quoted(street: "Street", ctx: "Context") -> "Street | None": ...  # noqa: UP037 - a string inside a string
def quoted_inside(street: Optional["Street"], ctx: Optional["Context"] = None) -> Optional["Street"]: ...  # noqa: UP037, UP045
def quoted_in_a_list(street: list["Street"]) -> Annotated["Street | None", "x"]: ...  # noqa: UP037


@pytest.mark.parametrize("fn", [quoted, quoted_inside, quoted_in_a_list])
def test_annotations_may_be_strings_in_whole_or_in_part(fn: Callable[..., Any]) -> None:
    listing = tool_of(fn).listing
    assert list(listing["inputSchema"]["properties"]) == ["street"]
    assert listing["inputSchema"]["$defs"]["Street"]["required"] == ["name"]
    assert "name" in json.dumps(listing["outputSchema"])
