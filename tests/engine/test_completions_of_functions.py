"""Suggestions that a function makes, in whatever way it is written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from mcp_types import Completion

from mcp_django import Context, MCPServer
from project.atlas.models import Continent
from tests.wire import modern_request, post

pytestmark = pytest.mark.anyio


def ask_me(first: str, second: str = "") -> str:
    return ""


async def suggest(application: Any, filled: dict[str, str] | None = None) -> Any:
    """Ask for suggestions that begin with "a"."""
    params: dict[str, Any] = {
        "ref": {"type": "ref/prompt", "name": "ask_me"},
        "argument": {"name": "first", "value": "a"},
        "context": {"arguments": filled or {}},
    }
    message, headers = modern_request("completion/complete", params)
    return (await post(application, message, headers=headers)).json["result"]["completion"]


def of_nothing() -> list[str]:
    return ["nothing"]


def of_text(typed: str) -> list[str]:
    return [f"{typed}!"]


def of_text_and_filled(typed: str, filled: dict[str, str]) -> list[str]:
    return [f"{typed} {filled.get('second')}"]


def context_first(ctx: Context, typed: str) -> list[str]:
    return [f"{typed} {ctx.user}"]


def context_between(typed: str, ctx: Context, filled: dict[str, str]) -> list[str]:
    return [f"{typed} {ctx.user} {filled}"]


def context_last(typed: str, *, ctx: Context) -> list[str]:
    return [f"{typed} {ctx.user}"]


async def of_text_async(typed: str, ctx: Context) -> list[str]:
    return [f"{typed} {ctx.user}"]


def positional(typed: str, /) -> list[str]:
    return [f"{typed}!"]


def yielding(typed: str) -> Iterator[str]:
    yield typed
    yield "more"


async def yielding_async(typed: str) -> AsyncIterator[str]:
    yield typed
    yield "more"


def text_alone(typed: str) -> str:
    return f"{typed}!"


def pairs(typed: str) -> list[tuple[str, str]]:
    return [("x", "Ex"), ("y", "Why")]


def nothing_found(typed: str) -> None: ...


def ready(typed: str) -> Completion:
    return Completion(values=[typed], total=7, has_more=True)


@pytest.mark.parametrize(
    ("fn", "expected"),
    [
        (of_nothing, ["nothing"]),
        (of_text, ["a!"]),
        (of_text_and_filled, ["a b"]),
        (context_first, ["a AnonymousUser"]),
        (context_between, ["a AnonymousUser {'second': 'b'}"]),
        (context_last, ["a AnonymousUser"]),
        (of_text_async, ["a AnonymousUser"]),
        (positional, ["a!"]),
        (yielding, ["a", "more"]),
        (yielding_async, ["a", "more"]),
        (text_alone, ["a!"]),
        (pairs, ["x", "y"]),
        (nothing_found, []),
        (ready, ["a"]),
        (lambda typed: (typed, "b"), ["a", "b"]),
        (lambda typed: Continent, ["AF", "AN", "AS", "EU", "NA", "OC", "SA"]),
    ],
)
@pytest.mark.parametrize("how", ["decorator", "option"])
async def test_a_function_suggests_in_whatever_way_it_is_written(
    server: MCPServer, application: Any, fn: Any, expected: list[str], how: str
) -> None:
    server.add_prompt(ask_me, complete={"first": fn} if how == "option" else {})
    if how == "decorator":
        server.completion(prompt="ask_me", argument="first")(fn)
    assert (await suggest(application, {"second": "b"}))["values"] == expected


async def test_a_ready_completion_keeps_its_numbers(server: MCPServer, application: Any) -> None:
    server.add_prompt(ask_me, complete={"first": ready})
    assert await suggest(application) == {"values": ["a"], "total": 7, "hasMore": True}
