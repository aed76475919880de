"""``completion/complete``: where suggestions come from, and what is left of them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pytest
from django.core.exceptions import PermissionDenied
from mcp.shared.exceptions import MCPError
from mcp_types import Completion, CompletionArgument, CompletionContext, PromptReference, ResourceTemplateReference

from mcp_django import Context, MCPServer, ToolError
from project.atlas.models import Continent, Country
from tests.conftest import Connect
from tests.wire import modern_request, post

pytestmark = pytest.mark.anyio


class Tone(enum.Enum):
    WARM = "w"
    WITTY = "wi"
    COLD = "c"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 10


def letter(
    tone: Tone,
    style: Literal["formal", "free"],
    continent: Annotated[Continent | None, "where"] = None,
    level: Level = Level.LOW,
    mixed: Literal["a"] | Tone = "a",
    text: str = "",
) -> str:
    return ""


def ask_me(first: str, second: str = "") -> str:
    return ""


async def suggest(
    application: Any, argument: str, value: str = "", *, prompt: str = "", uri: str = "", filled: Any = None
) -> Any:
    """Ask for suggestions and return the JSON-RPC response."""
    ref = {"type": "ref/resource", "uri": uri} if uri else {"type": "ref/prompt", "name": prompt}
    params: dict[str, Any] = {"ref": ref, "argument": {"name": argument, "value": value}}
    if filled is not None:
        params["context"] = {"arguments": filled}
    message, headers = modern_request("completion/complete", params)
    return (await post(application, message, headers=headers)).json


async def values(application: Any, argument: str, value: str = "", **options: Any) -> list[str]:
    found: list[str] = (await suggest(application, argument, value, **options))["result"]["completion"]["values"]
    return found


# From annotations and choices


@pytest.mark.parametrize(
    ("argument", "typed", "expected"),
    [
        ("tone", "", ["w", "wi", "c"]),
        ("tone", "w", ["w", "wi"]),
        ("tone", "wit", ["wi"]),
        ("tone", "COLD", ["c"]),
        ("tone", "x", []),
        ("style", "f", ["formal", "free"]),
        ("style", "fo", ["formal"]),
        ("continent", "A", ["AF", "AN", "AS"]),
        ("continent", "south", ["SA"]),
        ("level", "1", ["1", "10"]),
        ("mixed", "", []),
        ("text", "", []),
        ("nonsense", "", []),
    ],
)
async def test_enums_and_literals_suggest_what_begins_with_the_text(
    server: MCPServer, application: Any, argument: str, typed: str, expected: list[str]
) -> None:
    server.add_prompt(letter)
    assert await values(application, argument, typed, prompt="letter") == expected


@pytest.mark.parametrize(
    ("source", "typed", "expected"),
    [
        (Continent, "eu", ["EU"]),
        (Continent.choices, "Oceania", ["OC"]),
        (Country._meta.get_field("continent").choices, "as", ["AS"]),
        ([("Old world", [("EU", "Europe"), ("AS", "Asia")]), ("SA", "South America")], "", ["EU", "AS", "SA"]),
        ((("Old world", (("EU", "Europe"),)),), "eur", ["EU"]),
        (["red", "blue", "black"], "B", ["blue", "black"]),
        ({"red"}, "", ["red"]),
        ((5, 50, 6), "5", ["5", "50"]),
        ([["a", "Alpha"], ["b", "Beta"]], "bet", ["b"]),
        (Tone, "w", ["w", "wi"]),
        ((each for each in ["x"]), "", ["x"]),
    ],
)
async def test_choices_and_plain_values_suggest_what_begins_with_the_text(
    server: MCPServer, application: Any, source: Any, typed: str, expected: list[str]
) -> None:
    server.add_prompt(ask_me, complete={"first": source})
    assert await values(application, "first", typed, prompt="ask_me") == expected


async def test_what_is_declared_goes_before_what_the_annotation_gives(server: MCPServer, application: Any) -> None:
    server.add_prompt(letter, complete={"tone": ["only"]})
    assert await values(application, "tone", prompt="letter") == ["only"]


# Through a client


async def test_a_client_gets_suggestions_in_both_eras(server: MCPServer, connect: Connect, era: str) -> None:
    @server.resource("polls://{poll_id}/{choice}", complete={"poll_id": ["1", "12", "2"]})
    def poll(poll_id: int, choice: str) -> str:
        return ""

    @server.completion(resource="polls://{poll_id}/{choice}", argument="choice")
    def choices(typed: str, filled: Mapping[str, str]) -> list[str]:
        return [f"{filled['poll_id']}{typed}"]

    server.add_prompt(letter)
    template = ResourceTemplateReference(type="ref/resource", uri="polls://{poll_id}/{choice}")
    async with connect(era) as client:
        by_prompt = await client.complete(
            PromptReference(type="ref/prompt", name="letter"), {"name": "tone", "value": "w"}
        )
        by_template = await client.complete(template, {"name": "poll_id", "value": "1"})
        filled = await client.complete(template, {"name": "choice", "value": "x"}, {"poll_id": "1"})
    assert (by_prompt.completion.values, by_prompt.completion.total) == (["w", "wi"], 2)
    assert by_template.completion.values == ["1", "12"]
    assert filled.completion.values == ["1x"]


# At most a hundred


@pytest.mark.parametrize(
    "source",
    [
        list(map(str, range(101))),
        lambda typed: map(str, range(101)),
        lambda typed: Completion(values=list(map(str, range(101)))),
    ],
)
async def test_a_hundred_values_are_sent_and_the_client_is_told_of_more(
    server: MCPServer, application: Any, source: Any
) -> None:
    server.add_prompt(ask_me, complete={"first": source})
    found = (await suggest(application, "first", prompt="ask_me"))["result"]["completion"]
    assert found["values"] == list(map(str, range(100)))
    assert found["hasMore"] is True
    assert found.get("total", 101) == 101


async def test_a_hundred_values_are_all_there_are(server: MCPServer, application: Any) -> None:
    server.add_prompt(ask_me, complete={"first": list(map(str, range(100)))})
    found = (await suggest(application, "first", prompt="ask_me"))["result"]["completion"]
    assert (len(found["values"]), found["total"], found["hasMore"]) == (100, 100, False)


# The SDK's own handler


async def test_a_bare_handler_is_asked_for_what_has_no_suggestions_of_its_own(
    server: MCPServer, connect: Connect, era: str
) -> None:
    seen: list[Any] = []

    @server.completion
    async def handler(ref: Any, argument: CompletionArgument, context: CompletionContext | None) -> Completion | None:
        seen.append((ref, argument.name, argument.value, context and context.arguments))
        return Completion(values=["handled"]) if argument.name == "first" else None

    server.add_prompt(letter)
    server.add_prompt(ask_me)
    ref = PromptReference(type="ref/prompt", name="ask_me")
    async with connect(era) as client:
        handled = await client.complete(ref, {"name": "first", "value": "a"}, {"second": "b"})
        none = await client.complete(ref, {"name": "second", "value": ""})
        own = await client.complete(PromptReference(type="ref/prompt", name="letter"), {"name": "tone", "value": "c"})
    assert (handled.completion.values, none.completion.values) == (["handled"], [])
    assert own.completion.values == ["c"]
    assert [call[1:] for call in seen] == [("first", "a", {"second": "b"}), ("second", "", None)]
    assert isinstance(seen[0][0], PromptReference)


async def test_a_bare_handler_may_take_the_context_of_the_request_too(server: MCPServer, application: Any) -> None:
    @server.completion()
    def handler(ctx: Context, ref: Any, argument: Any, context: Any) -> list[str]:
        return [f"{argument.value} {ctx.user}"]

    server.add_prompt(ask_me)
    assert await values(application, "first", "a", prompt="ask_me") == ["a AnonymousUser"]


# Errors


@pytest.mark.parametrize("ref", [{"prompt": "missing"}, {"uri": "polls://{missing}"}])
async def test_a_prompt_or_template_that_is_not_there_is_invalid_params(
    server: MCPServer, application: Any, ref: dict[str, str]
) -> None:
    server.add_prompt(ask_me)
    error = (await suggest(application, "first", **ref))["error"]
    assert error == {"code": -32602, "message": "There is no such prompt or resource template."}


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ToolError("Ask later."), -32603, "Ask later."),
        (PermissionDenied("Not yours."), -32603, "Not yours."),
        (RuntimeError("hunter2"), -32603, "Completion of 'first' failed unexpectedly. The error was logged."),
        (StopIteration(), -32603, "Completion of 'first' failed unexpectedly. The error was logged."),
        (MCPError(-31000, "Mine."), -31000, "Mine."),
    ],
)
@pytest.mark.parametrize("bare", [True, False])
async def test_a_function_that_fails_is_a_protocol_error(
    server: MCPServer, application: Any, error: Exception, code: int, message: str, bare: bool
) -> None:
    def fails(*given: Any) -> list[str]:
        raise error

    server.add_prompt(ask_me)
    if bare:
        server.completion(lambda ref, argument, context: fails())
    else:
        server.completion(prompt="ask_me", argument="first")(lambda typed: fails())
    answer = (await suggest(application, "first", prompt="ask_me"))["error"]
    assert (answer["code"], answer["message"]) == (code, message)
