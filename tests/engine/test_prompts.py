"""``prompts/get``: the messages that a function's return value becomes."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import pytest
from django.core.exceptions import PermissionDenied
from mcp.server.mcpserver.prompts.base import AssistantMessage as SDKAssistantMessage
from mcp.server.mcpserver.prompts.base import UserMessage as SDKUserMessage
from mcp.shared.exceptions import MCPError
from mcp_types import (
    EmbeddedResource,
    ImageContent,
    InputRequiredResult,
    PromptMessage,
    TextContent,
    TextResourceContents,
)
from pydantic import BaseModel, Field

from mcp_django import AssistantMessage, Audio, Context, Image, MCPServer, Message, ToolError, UserMessage
from mcp_django.engine.compile import compile_prompt
from mcp_django.engine.outputs import Unserialisable
from mcp_django.engine.prompts import to_messages
from mcp_django.exceptions import InvalidDeclaration
from mcp_django.registry import PromptDeclaration
from mcp_django.registry.declarations import declare
from tests.conftest import Connect
from tests.wire import modern_request, post, request

pytestmark = pytest.mark.anyio


class Person(BaseModel):
    username: str


def text(value: str, role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": {"type": "text", "text": value}}


PICTURE = {"type": "image", "data": "eA==", "mimeType": "image/png"}
EMBEDDED = EmbeddedResource(
    type="resource", resource=TextResourceContents(uri="polls://1", mime_type="text/plain", text="one")
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("hello", [text("hello")]),
        (None, []),
        ([], []),
        (["a", "b"], [text("a"), text("b")]),
        (("a", AssistantMessage("b")), [text("a"), text("b", "assistant")]),
        (UserMessage("a"), [text("a")]),
        (Message("a", "assistant"), [text("a", "assistant")]),
        (Message(["a", "b"], "assistant"), [text("a", "assistant"), text("b", "assistant")]),
        ({"role": "assistant", "content": "a"}, [text("a", "assistant")]),
        ({"role": "user", "content": PICTURE}, [{"role": "user", "content": PICTURE}]),
        (PICTURE, [{"role": "user", "content": PICTURE}]),
        (Image(data=b"x"), [{"role": "user", "content": PICTURE}]),
        (UserMessage(Image(data=b"x")), [{"role": "user", "content": PICTURE}]),
        (
            AssistantMessage(Audio(data=b"x")),
            [{"role": "assistant", "content": {"type": "audio", "data": "eA==", "mimeType": "audio/wav"}}],
        ),
        (
            ImageContent(type="image", data="eA==", mime_type="image/png"),
            [{"role": "user", "content": PICTURE}],
        ),
        (
            [UserMessage(EMBEDDED), "Please read it."],
            [
                {
                    "role": "user",
                    "content": {
                        "type": "resource",
                        "resource": {"uri": "polls://1", "mimeType": "text/plain", "text": "one"},
                    },
                },
                text("Please read it."),
            ],
        ),
        (PromptMessage(role="assistant", content=TextContent(type="text", text="a")), [text("a", "assistant")]),
        (SDKUserMessage(content="a"), [text("a")]),
        (SDKAssistantMessage(content=TextContent(type="text", text="a")), [text("a", "assistant")]),
        ({"a": 1}, [text('{\n  "a": 1\n}')]),
        (Person(username="ada"), [text('{\n  "username": "ada"\n}')]),
        (5, [text("5")]),
        (
            b"x",
            [
                {
                    "role": "user",
                    "content": {
                        "type": "resource",
                        "resource": {
                            "uri": "tool://poll/result",
                            "mimeType": "application/octet-stream",
                            "blob": "eA==",
                        },
                    },
                }
            ],
        ),
    ],
)
def test_what_a_prompt_returns_becomes_messages(value: Any, expected: list[Any]) -> None:
    assert to_messages(value, "poll") == {"messages": expected}


def test_what_no_json_can_hold_is_an_error_for_the_log() -> None:
    with pytest.raises(Unserialisable, match="JSON can't hold a object"):
        to_messages([object()], "poll")


async def test_a_client_reads_all_kinds_of_messages(server: MCPServer, connect: Connect, era: str) -> None:
    @server.prompt
    def review(ctx: Context, code: str, careful: bool = False) -> list[Any]:
        """Review some code.

        Args:
            code: The code.
            careful: Whether to look twice.
        """
        return [f"Review {code} {careful}", Image(data=b"x"), AssistantMessage("Gladly.")]

    async with connect(era) as client:
        (prompt,) = (await client.list_prompts()).prompts
        found = await client.get_prompt("review", {"code": "x = 1", "careful": "true"})
    assert [(each.name, each.description, each.required) for each in prompt.arguments or ()] == [
        ("code", "The code.", True),
        ("careful", "Whether to look twice.", False),
    ]
    assert found.description == prompt.description == "Review some code."
    assert [(each.role, each.content.type) for each in found.messages] == [
        ("user", "text"),
        ("user", "image"),
        ("assistant", "text"),
    ]
    assert found.messages[0].content.text == "Review x = 1 True"  # type: ignore[union-attr]


async def ask(application: Any, name: str, arguments: Any = None, *, modern: bool = True) -> Any:
    params = {"name": name} if arguments is None else {"name": name, "arguments": arguments}
    if not modern:
        return (await post(application, request("prompts/get", params))).json
    message, headers = modern_request("prompts/get", params)
    return (await post(application, message, headers=headers)).json


class Tone(enum.Enum):
    WARM = "warm"


def typed(poll_ids: list[int], tone: Tone, limit: int | None = None) -> str:
    return f"{poll_ids} {tone} {limit}"


async def test_arguments_are_strings_that_become_what_the_function_wants(server: MCPServer, application: Any) -> None:
    server.add_prompt(typed)
    answer = await ask(application, "typed", {"poll_ids": "[1, 2]", "tone": "warm", "limit": "5"})
    assert answer["result"]["messages"] == [text("[1, 2] Tone.WARM 5")]


async def test_a_prompt_without_parameters_needs_no_arguments(server: MCPServer, application: Any) -> None:
    async def hello() -> str:
        return "hello"

    server.add_prompt(hello)
    answers = [await ask(application, "hello"), await ask(application, "hello", {})]
    assert [answer["result"]["messages"] for answer in answers] == [[text("hello")], [text("hello")]]
    assert "description" not in answers[0]["result"]


@pytest.mark.parametrize("modern", [True, False])
@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("missing", {}, "Unknown prompt: missing"),
        ("typed", {}, "Invalid arguments: poll_ids: is required; tone: is required."),
        ("typed", {"poll_ids": "[]", "tone": "cold"}, "Invalid arguments: tone: Input should be 'warm'."),
        (
            "typed",
            {"poll_ids": "[]", "tone": "warm", "pace": "slow"},
            "Invalid arguments: pace: there is no such argument; known arguments: poll_ids, tone, limit.",
        ),
    ],
)
async def test_what_is_wrong_with_a_request_is_invalid_params(
    server: MCPServer, application: Any, name: str, arguments: dict[str, str], message: str, modern: bool
) -> None:
    server.add_prompt(typed)
    assert (await ask(application, name, arguments, modern=modern))["error"] == {"code": -32602, "message": message}


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ToolError("No poll is open."), -32603, "No poll is open."),
        (PermissionDenied(), -32603, "You may not do this."),
        (RuntimeError("the password is hunter2"), -32603, "Prompt 'fails' failed unexpectedly. The error was logged."),
        (MCPError(-31000, "Mine.", {"a": 1}), -31000, "Mine."),
    ],
)
async def test_a_prompt_that_fails_is_a_protocol_error(
    server: MCPServer, application: Any, error: Exception, code: int, message: str
) -> None:
    def fails() -> str:
        raise error

    server.add_prompt(fails)
    answer = (await ask(application, "fails"))["error"]
    assert (answer["code"], answer["message"]) == (code, message)


@pytest.mark.parametrize("modern", [True, False])
@pytest.mark.parametrize(
    "value",
    [Message("a", role="system"), {"role": "user", "content": {"type": "film"}}],  # type: ignore[arg-type]
)
async def test_messages_that_the_protocol_lacks_are_an_error_that_is_logged(
    server: MCPServer, application: Any, caplog: pytest.LogCaptureFixture, value: Any, modern: bool
) -> None:
    server.add_prompt(lambda: value, "odd")
    error = (await ask(application, "odd", modern=modern))["error"]
    assert error == {"code": -32603, "message": "The server made an invalid result. The error was logged."}
    assert "The result of prompts/get odd doesn't fit the schema." in caplog.text


async def test_a_question_reaches_a_client_of_2026_07_28(server: MCPServer, application: Any) -> None:
    """And it holds no description, which belongs to messages."""

    def asks() -> InputRequiredResult:
        """Ask."""
        return InputRequiredResult(request_state="sealed")

    server.add_prompt(asks)
    result = (await ask(application, "asks"))["result"]
    assert (result["resultType"], result["requestState"]) == ("input_required", "sealed")
    assert "description" not in result


async def test_a_generator_gives_its_last_item(server: MCPServer, application: Any) -> None:
    async def slow() -> AsyncIterator[str]:
        yield "not yet"
        yield "done"

    server.add_prompt(slow)
    assert (await ask(application, "slow"))["result"]["messages"] == [text("done")]


# Listing


def compile_one(fn: Callable[..., Any], **options: Any) -> dict[str, Any]:
    return compile_prompt(declare(PromptDeclaration, fn, "poll", options)).listing


def test_a_prompt_is_listed_with_all_that_is_said_of_it() -> None:
    def poll(poll_id: Annotated[int, Field(description="Which one")], tone: str = "warm") -> str: ...  # type: ignore[empty-body]

    poll.__annotations__["poll_id"] = Annotated[int, Field(description="Which one")]
    assert compile_one(poll, title="Poll", description="About a poll.", tags=["a"], icons=[{"src": "x"}]) == {
        "name": "poll",
        "title": "Poll",
        "description": "About a poll.",
        "arguments": [
            {"name": "poll_id", "description": "Which one", "required": True},
            {"name": "tone", "required": False},
        ],
        "icons": [{"src": "x"}],
        "_meta": {"tags": ["a"]},
    }


def test_a_prompt_without_parameters_is_listed_without_arguments() -> None:
    assert compile_one(lambda: "a") == {"name": "poll"}


@pytest.mark.parametrize("options", [{"title": 5}, {"icons": [5]}, {"meta": {"a": object()}}])
def test_a_prompt_that_can_not_be_listed_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidDeclaration, match=f"prompt 'poll' in {__name__}"):
        compile_one(lambda: "a", **options)
