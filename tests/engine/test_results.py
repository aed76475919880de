"""From what a tool returned to content blocks and structured content."""

from __future__ import annotations

import datetime
import json
from base64 import b64decode, b64encode
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from jsonschema import Draft202012Validator
from mcp.server.mcpserver import Audio as SDKAudio
from mcp.server.mcpserver import Image as SDKImage
from mcp_types import (
    BlobResourceContents,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    InputRequiredResult,
    ResourceLink,
    TextContent,
    TextResourceContents,
)
from pydantic import BaseModel, ValidationError

from mcp_django import Audio, Image, MCPServer
from mcp_django.engine.compile import compile_tool
from mcp_django.engine.outputs import Unserialisable
from mcp_django.engine.results import plain_json, to_block, to_blocks, to_result
from mcp_django.registry import ToolDeclaration
from mcp_django.registry.declarations import declare
from project.atlas.models import Continent
from tests.conftest import Connect

pytestmark = pytest.mark.anyio

PNG = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==")


class Person(BaseModel):
    username: str
    nickname: str | None = None


def result_of(annotation: Any, value: Any) -> dict[str, Any]:
    """Return what a tool with this return annotation sends for this value."""

    def answer() -> None: ...

    answer.__annotations__["return"] = annotation
    tool = compile_tool(declare(ToolDeclaration, answer, None, {}))
    return read(tool.runner.finish(value))


def read(made: dict[str, Any] | bytes) -> dict[str, Any]:
    """Return what is sent, as a client reads it."""
    result: dict[str, Any] = json.loads(made if isinstance(made, bytes) else json.dumps(made))
    return result


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


# Text and structure


def test_nothing_is_no_content() -> None:
    assert read(to_result(None, None, "answer")) == {"content": [], "isError": False}


def test_a_string_is_a_text() -> None:
    assert read(to_result("hello", None, "answer")) == {"content": [text("hello")], "isError": False}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (3, "3"),
        (1.5, "1.5"),
        (True, "true"),
        (Decimal("1.10"), '"1.10"'),
        (datetime.date(2026, 7, 28), '"2026-07-28"'),
        (UUID(int=5), '"00000000-0000-0000-0000-000000000005"'),
        (float("nan"), "null"),
        ({"a": [1, None]}, '{\n  "a": [\n    1,\n    null\n  ]\n}'),
        (Person(username="ä"), '{\n  "username": "ä",\n  "nickname": null\n}'),
        ({5}, "[\n  5\n]"),
    ],
)
def test_other_plain_values_are_json(value: Any, shown: str) -> None:
    assert to_blocks(value, "answer") == [text(shown)]


def test_a_text_choice_is_its_value() -> None:
    assert to_blocks(Continent.ASIA, "answer") == [text("AS")]


@pytest.mark.parametrize("value", [["a", 1, None, ["b"]], ("a", 1, None, ("b",))])
def test_a_list_is_a_block_for_each_item(value: Any) -> None:
    assert to_blocks(value, "answer") == [text("a"), text("1"), text("b")]


def test_an_object_is_text_and_structure() -> None:
    assert result_of(Person, Person(username="ada")) == {
        "content": [text('{\n  "username": "ada",\n  "nickname": null\n}')],
        "structuredContent": {"username": "ada", "nickname": None},
        "isError": False,
    }


@pytest.mark.parametrize(
    ("annotation", "value", "content", "structured"),
    [
        (str, "a", ["a"], "a"),
        (int, 3, ["3"], 3),
        (list[int], [1, 2], ["1", "2"], [1, 2]),
        (list[str], [], [], []),
        (int | None, None, [], None),
        (Continent, Continent.ASIA, ["AS"], "AS"),
    ],
)
def test_anything_else_is_structure_under_result(
    annotation: Any, value: Any, content: list[str], structured: Any
) -> None:
    assert result_of(annotation, value) == {
        "content": [text(each) for each in content],
        "structuredContent": {"result": structured},
        "isError": False,
    }


@pytest.mark.parametrize(("annotation", "value"), [(float, float("nan")), (dict[str, float], {"a": float("inf")})])
def test_a_number_that_json_lacks_is_sent_as_the_published_schema_allows_or_not_at_all(
    annotation: Any, value: Any
) -> None:
    try:
        sent = result_of(annotation, value)
    except (Unserialisable, ValidationError):
        return
    output = compile_tool(declare(ToolDeclaration, result_of, "answer", {"output": annotation})).output
    assert output is not None
    Draft202012Validator(output.schema).validate(sent["structuredContent"])


# Media and blocks


def test_a_picture_and_a_sound_are_blocks_with_their_mime_type(tmp_path: Path) -> None:
    file = tmp_path / "sound.mp3"
    file.write_bytes(b"ID3")
    assert to_blocks([Image(data=PNG, mime_type="image/webp"), Audio(path=file)], "answer") == [
        {"type": "image", "data": b64encode(PNG).decode(), "mimeType": "image/webp"},
        {"type": "audio", "data": "SUQz", "mimeType": "audio/mpeg"},
    ]


def test_the_sdk_s_picture_and_sound_are_blocks_too() -> None:
    assert [to_block(SDKImage(data=PNG, format="png")), to_block(SDKAudio(data=b"RIFF", format="wav"))] == [
        {"type": "image", "data": b64encode(PNG).decode(), "mimeType": "image/png"},
        {"type": "audio", "data": "UklGRg==", "mimeType": "audio/wav"},
    ]


def test_bytes_are_a_resource_of_their_own() -> None:
    assert to_blocks(b"\xff\x00", "answer") == [
        {
            "type": "resource",
            "resource": {"uri": "tool://answer/result", "mimeType": "application/octet-stream", "blob": "/wA="},
        }
    ]


def test_content_blocks_are_sent_as_they_are_in_their_order() -> None:
    blocks = [
        TextContent(type="text", text="a"),
        ImageContent(type="image", data="eA==", mime_type="image/png"),
        EmbeddedResource(
            type="resource",
            resource=TextResourceContents(uri="polls://1", mime_type="application/json", text="{}"),
        ),
        EmbeddedResource(type="resource", resource=BlobResourceContents(uri="polls://2", blob="eA==")),
        ResourceLink(type="resource_link", uri="polls://3", name="third"),
    ]
    assert to_blocks(blocks, "answer") == [
        text("a"),
        {"type": "image", "data": "eA==", "mimeType": "image/png"},
        {"type": "resource", "resource": {"uri": "polls://1", "mimeType": "application/json", "text": "{}"}},
        {"type": "resource", "resource": {"uri": "polls://2", "blob": "eA=="}},
        {"type": "resource_link", "uri": "polls://3", "name": "third"},
    ]


async def test_a_client_reads_mixed_content_in_both_eras(server: MCPServer, connect: Connect, era: str) -> None:
    @server.tool
    def mixed() -> list[str | Image | bytes]:
        return ["a picture:", Image(data=PNG, format="png"), b"raw"]

    async with connect(era) as client:
        result = await client.call_tool("mixed", {})
    assert [block.type for block in result.content] == ["text", "image", "resource"]
    assert result.structured_content is None


# Ready results


def test_a_ready_result_is_sent_as_it_is() -> None:
    ready = CallToolResult(
        content=[TextContent(type="text", text="a")],
        structured_content={"username": "ada", "nickname": None},
        is_error=True,
        _meta={"polls.test/id": 5},
    )
    sent = result_of(CallToolResult, ready)
    assert sent["content"] == [text("a")]
    assert sent["structuredContent"] == {"username": "ada", "nickname": None}
    assert (sent["isError"], sent["_meta"]) == (True, {"polls.test/id": 5})


def test_a_ready_result_keeps_what_it_promised() -> None:
    promised = Annotated[CallToolResult, Person]
    good = CallToolResult(content=[], structured_content={"username": "ada"})
    assert result_of(promised, good)["structuredContent"] == {"username": "ada"}
    for broken in (None, {"name": "ada"}):
        with pytest.raises(ValidationError):
            result_of(promised, CallToolResult(content=[], structured_content=broken))


def test_a_promise_that_is_wrapped_is_kept_by_what_is_wrapped() -> None:
    promised = Annotated[CallToolResult, list[int]]
    good = CallToolResult(content=[], structured_content={"result": [1]})
    assert result_of(promised, good)["structuredContent"] == {"result": [1]}
    with pytest.raises(ValidationError):
        result_of(promised, CallToolResult(content=[], structured_content={"result": ["x"]}))


def test_an_error_needs_no_structure() -> None:
    failed = CallToolResult(content=[TextContent(type="text", text="no")], is_error=True)
    assert result_of(Annotated[CallToolResult, Person], failed)["isError"] is True


def test_a_question_is_sent_as_it_is() -> None:
    question = InputRequiredResult(request_state="sealed")
    assert result_of(Person | InputRequiredResult, question)["requestState"] == "sealed"


# What can't be sent


class Opaque: ...


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (Opaque(), "JSON can't hold a Opaque"),
        ({"deep": [Opaque()]}, "JSON can't hold a Opaque"),
        ({"raw": b"\xff"}, "invalid utf-8"),
        (User(username="ada"), "User has no declared output type. Annotate the fields to send, as a pydantic model, "),
        (User.objects.none(), "QuerySet has no declared output type"),
        (User.objects, "UserManager has no declared output type"),
        ({"user": User(username="ada")}, "User has no declared output type"),
        ({"picture": Image(data=PNG)}, "JSON can't hold a Image"),
    ],
)
def test_what_no_json_can_hold_is_an_error_that_says_what_to_change(value: Any, reason: str) -> None:
    with pytest.raises(Unserialisable) as refused:
        to_blocks(value, "answer")
    assert str(refused.value).startswith("The result of 'answer' can't be sent: ")
    assert reason in str(refused.value)


def test_a_ring_of_dicts_is_an_error_and_no_endless_loop() -> None:
    ring: dict[str, Any] = {}
    ring["self"] = ring
    with pytest.raises(Unserialisable):
        to_blocks(ring, "answer")


def test_a_declared_type_makes_json_of_the_declared_fields() -> None:
    output = compile_tool(declare(ToolDeclaration, result_of, "answer", {"output": list[Person]})).output
    found = plain_json([User(username="ada", password="hunter2")], output, "answer")
    assert json.loads(found) == [{"username": "ada", "nickname": None}]


@pytest.mark.parametrize("value", ["\ud800", {"a": "\ud800"}, {"\ud800": 1}])
async def test_half_a_character_fails_the_tool_and_not_the_protocol(
    server: MCPServer, connect: Connect, value: Any
) -> None:
    server.add_tool(lambda: value, "answer")
    async with connect("auto") as client:
        result = await client.call_tool("answer", {})
    assert result.is_error
    assert result.content[0].text == "Tool 'answer' failed unexpectedly. The error was logged."  # type: ignore[union-attr]
