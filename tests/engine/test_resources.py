"""``resources/read``: what a URI leads to, and what is made of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import Http404
from mcp_types import InputRequiredResult
from pydantic import BaseModel

from mcp_django import Audio, Context, Image, MCPServer, ResourceError, ToolError
from mcp_django.engine.outputs import read_output
from mcp_django.engine.resources import ResourceContent, to_contents
from mcp_django.registry import ResourceDeclaration
from mcp_django.registry.declarations import declare
from tests.conftest import Connect
from tests.wire import modern_request, post, request

pytestmark = pytest.mark.anyio


class Person(BaseModel):
    username: str


async def ask(application: Any, uri: str, *, modern: bool = True) -> Any:
    """Read a resource and return the JSON-RPC response."""
    if not modern:
        return (await post(application, request("resources/read", {"uri": uri}))).json
    message, headers = modern_request("resources/read", {"uri": uri})
    return (await post(application, message, headers=headers)).json


async def content_of(application: Any, uri: str) -> Any:
    """Return the one content of a resource, less its URI."""
    (content,) = (await ask(application, uri))["result"]["contents"]
    assert content.pop("uri") == uri
    return content


# What a function returns


@pytest.mark.parametrize(
    ("value", "mime_type", "expected"),
    [
        ("text", None, {"mimeType": "text/plain", "text": "text"}),
        ("<p>", "text/html", {"mimeType": "text/html", "text": "<p>"}),
        ("", None, {"mimeType": "text/plain", "text": ""}),
        (b"\xff", None, {"mimeType": "application/octet-stream", "blob": "/w=="}),
        (b"\x89PNG", "image/png", {"mimeType": "image/png", "blob": "iVBORw=="}),
        (b"", None, {"mimeType": "application/octet-stream", "blob": ""}),
        ({"a": 1}, None, {"mimeType": "application/json", "text": '{\n  "a": 1\n}'}),
        ([], "application/vnd.polls+json", {"mimeType": "application/vnd.polls+json", "text": "[]"}),
        (None, None, {"mimeType": "application/json", "text": "null"}),
        (5, None, {"mimeType": "application/json", "text": "5"}),
        (Person(username="ada"), None, {"mimeType": "application/json", "text": '{\n  "username": "ada"\n}'}),
        (Image(data=b"x", format="gif"), None, {"mimeType": "image/gif", "blob": "eA=="}),
        (Audio(data=b"x"), "audio/x-poll", {"mimeType": "audio/x-poll", "blob": "eA=="}),
        (ResourceContent("a", "text/x-poll"), "text/html", {"mimeType": "text/x-poll", "text": "a"}),
    ],
)
async def test_what_a_function_returns_becomes_text_or_a_blob_with_its_mime_type(
    server: MCPServer, application: Any, value: Any, mime_type: str | None, expected: Any
) -> None:
    server.add_resource("polls://latest", lambda: value, "latest", mime_type=mime_type)
    assert await content_of(application, "polls://latest") == expected


async def test_one_resource_may_have_several_contents(server: MCPServer, application: Any) -> None:
    parts = [ResourceContent("a", "text/plain"), ResourceContent(b"b", "image/png")]
    server.add_resource("polls://latest", lambda: parts, "latest")
    found = (await ask(application, "polls://latest"))["result"]["contents"]
    assert [each.get("text", each.get("blob")) for each in found] == ["a", "Yg=="]


async def test_the_meta_of_a_resource_comes_with_its_content(server: MCPServer, application: Any) -> None:
    server.add_resource("polls://latest", lambda: "a", "latest", meta={"polls.test/id": 5})
    assert (await content_of(application, "polls://latest"))["_meta"] == {"polls.test/id": 5}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_a_queryset_is_read_into_the_declared_type(server: MCPServer, application: Any, kind: str) -> None:
    await User.objects.acreate(username="ada", password="hunter2")

    def people() -> list[Person]:
        return User.objects.all()  # type: ignore[return-value]

    async def async_people() -> list[Person]:
        return User.objects.all()  # type: ignore[return-value]

    server.add_resource("people://all", people if kind == "sync" else async_people)
    content = await content_of(application, "people://all")
    assert json.loads(content["text"]) == [{"username": "ada"}]


@pytest.mark.parametrize("value", [User(username="ada"), [User(username="ada")], {"a": object()}])
async def test_what_can_not_be_sent_is_neutral_to_the_client_and_plain_in_the_log(
    server: MCPServer, application: Any, caplog: pytest.LogCaptureFixture, value: Any
) -> None:
    server.add_resource("people://ada", lambda: value, "ada")
    error = (await ask(application, "people://ada"))["error"]
    assert error["code"] == -32603
    assert error["message"] == "Resource 'people://ada' failed unexpectedly. The error was logged."
    assert "can't be sent" in caplog.text


def test_a_question_is_kept_as_it_is() -> None:
    question = InputRequiredResult(request_state="sealed")
    assert to_contents(question, mime_type=None, output=None, name="latest") is question


async def test_a_question_reaches_a_client_of_2026_07_28(server: MCPServer, application: Any) -> None:
    server.add_resource("polls://latest", lambda: InputRequiredResult(request_state="sealed"), "latest")
    result = (await ask(application, "polls://latest"))["result"]
    assert (result["resultType"], result["requestState"]) == ("input_required", "sealed")


def test_a_declared_type_that_says_nothing_leaves_the_value_as_it_is() -> None:
    declaration = declare(ResourceDeclaration, dict, "latest", {"uri": "polls://latest"})
    output = read_output(declaration, dict, wanted=None)
    found = to_contents({"a": 1}, mime_type=None, output=output, name="latest")
    assert isinstance(found, list)
    assert found[0].content == '{\n  "a": 1\n}'


# Caching


async def test_a_resource_is_private_and_not_kept_unless_it_says_so(server: MCPServer, application: Any) -> None:
    server.add_resource("polls://mine", lambda: "a", "mine")
    server.add_resource("polls://all", lambda: "a", "all", cache_seconds=1.5, cache_scope="public")
    mine = (await ask(application, "polls://mine"))["result"]
    everybody = (await ask(application, "polls://all"))["result"]
    assert (mine["ttlMs"], mine["cacheScope"]) == (0, "private")
    assert (everybody["ttlMs"], everybody["cacheScope"]) == (1500, "public")


async def test_a_handshake_client_is_told_nothing_of_caching(server: MCPServer, application: Any) -> None:
    server.add_resource("polls://all", lambda: "a", "all", cache_seconds=1.5, cache_scope="public")
    result = (await ask(application, "polls://all", modern=False))["result"]
    assert result.keys() == {"contents"}


# Static resources and the Context


async def test_a_static_resource_may_take_the_context(server: MCPServer, connect: Connect, era: str) -> None:
    @server.resource("who://am-i")
    def who(ctx: Context) -> str:
        return f"{ctx.user} {ctx.protocol_version}"

    async with connect(era) as client:
        (content,) = (await client.read_resource("who://am-i")).contents
        version = client.protocol_version
    assert content.text == f"AnonymousUser {version}"  # type: ignore[union-attr]


@pytest.fixture
def nested(server: MCPServer) -> MCPServer:
    """A server whose tools read its resources."""

    @server.resource("polls://{poll_id}")
    async def poll(poll_id: int, ctx: Context) -> dict[str, Any]:
        if poll_id == 404:
            raise Http404("There is no such poll.")
        if poll_id == 500:
            raise RuntimeError("the password is hunter2")
        if poll_id == 1:
            raise ResourceError("Poll 1 is closed.")
        return {"id": poll_id, "client": str(ctx.user)}

    @server.resource("polls://asks/a-question")
    def asks() -> InputRequiredResult:
        return InputRequiredResult(request_state="sealed")

    @server.tool
    async def read(uri: str, ctx: Context) -> str:
        (content,) = await ctx.read_resource(uri)
        return f"{content.mime_type} {content.content!r}"

    @server.tool
    def read_sync(uri: str, ctx: Context) -> str:
        (content,) = ctx.read_resource_sync(uri)
        return f"{content.mime_type} {content.content!r}"

    return server


@pytest.mark.parametrize("tool", ["read", "read_sync"])
@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("polls://5", 'application/json \'{\\n  "id": 5,\\n  "client": "AnonymousUser"\\n}\''),
        ("polls://404", "There is no such poll."),
        ("blogs://5", "Unknown resource: blogs://5"),
        ("polls://..", "Unknown resource: polls://.."),
        ("polls://1", "Poll 1 is closed."),
        ("polls://500", "Resource 'polls://500' failed unexpectedly. The error was logged."),
        ("polls://x", "Invalid arguments: poll_id: "),
        ("polls://asks/a-question", "Resource 'polls://asks/a-question' asks the client a question"),
    ],
)
async def test_a_tool_reads_a_resource_and_its_errors(
    nested: MCPServer, connect: Connect, tool: str, uri: str, expected: str
) -> None:
    async with connect("auto") as client:
        result = await client.call_tool(tool, {"uri": uri})
    shown = result.content[0].text  # type: ignore[union-attr]
    assert shown.startswith(expected)
    assert "hunter2" not in shown


# Errors


async def test_a_uri_of_nothing_has_the_code_of_its_era(nested: MCPServer, application: Any) -> None:
    modern = (await ask(application, "blogs://5"))["error"]
    legacy = (await ask(application, "blogs://5", modern=False))["error"]
    assert (modern["code"], legacy["code"]) == (-32602, -32002)
    for error in (modern, legacy):
        assert error["message"] == "Unknown resource: blogs://5"
        assert error["data"] == {"uri": "blogs://5"}


@pytest.mark.parametrize(
    ("uri", "code", "message"),
    [
        ("polls://404", -32602, "There is no such poll."),
        ("polls://1", -32603, "Poll 1 is closed."),
        ("polls://500", -32603, "Resource 'polls://500' failed unexpectedly. The error was logged."),
        ("polls://x", -32602, "Invalid arguments: poll_id: "),
    ],
)
async def test_what_fails_is_an_error_that_names_the_uri(
    nested: MCPServer, application: Any, uri: str, code: int, message: str
) -> None:
    error = (await ask(application, uri))["error"]
    assert error["code"] == code
    assert error["message"].startswith(message)
    assert error["data"] == {"uri": uri}


async def test_a_tool_error_in_a_resource_is_meant_to_be_read_as_well(server: MCPServer, application: Any) -> None:
    def closed() -> str:
        raise ToolError("Closed on Sundays.")

    server.add_resource("polls://latest", closed)
    assert (await ask(application, "polls://latest"))["error"]["message"] == "Closed on Sundays."


async def test_a_resource_may_read_a_file_of_its_own(server: MCPServer, application: Any, tmp_path: Path) -> None:
    file = tmp_path / "logo.png"
    file.write_bytes(b"x")

    async def logo() -> Image:
        return Image(file)

    server.add_resource("polls://logo", logo)
    assert await content_of(application, "polls://logo") == {"mimeType": "image/png", "blob": "eA=="}


async def test_a_generator_is_read_to_its_last_item(server: MCPServer, application: Any) -> None:
    async def slow() -> AsyncIterator[str]:
        yield "not yet"
        yield "done"

    server.add_resource("polls://slow", slow)
    assert (await content_of(application, "polls://slow"))["text"] == "done"
