"""Resource templates (RFC 6570): which URIs they match, and which they never do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mcp_django import Context, MCPServer
from mcp_django.engine.compile import compile_resource
from mcp_django.engine.server import Engine
from mcp_django.exceptions import InvalidDeclaration
from mcp_django.registry import ResourceDeclaration
from mcp_django.registry.declarations import declare
from tests.conftest import Connect
from tests.wire import modern_request, post

pytestmark = pytest.mark.anyio


def compile_uri(uri: str, fn: Callable[..., Any], **options: Any) -> dict[str, Any]:
    return compile_resource(declare(ResourceDeclaration, fn, "poll", {"uri": uri, **options})).listing


@pytest.fixture
def polls(server: MCPServer) -> MCPServer:
    @server.resource("polls://{poll_id}")
    def poll(poll_id: int) -> str:
        return f"poll {poll_id}"

    @server.resource("polls://{poll_id}/choices/{choice}{?limit,order}")
    def choice(poll_id: int, choice: str, limit: int = 3, order: str = "asc") -> str:
        return f"poll {poll_id} choice {choice} limit {limit} {order}"

    @server.resource("files://{+path}")
    def file(path: str) -> str:
        return f"file {path}"

    @server.resource("polls://latest")
    def latest() -> str:
        return "the latest"

    return server


async def read(application: Any, uri: str) -> Any:
    message, headers = modern_request("resources/read", {"uri": uri})
    return (await post(application, message, headers=headers)).json


@pytest.mark.parametrize(
    ("uri", "text"),
    [
        ("polls://5", "poll 5"),
        ("polls://latest", "the latest"),
        ("polls://5/choices/a", "poll 5 choice a limit 3 asc"),
        ("polls://5/choices/a?limit=7", "poll 5 choice a limit 7 asc"),
        ("polls://5/choices/a?order=desc&limit=7", "poll 5 choice a limit 7 desc"),
        ("polls://5/choices/a?unknown=1", "poll 5 choice a limit 3 asc"),
        ("polls://5/choices/a%20b", "poll 5 choice a b limit 3 asc"),
        ("files://a/b/c.txt", "file a/b/c.txt"),
        ("files://a..b/c", "file a..b/c"),
    ],
)
async def test_a_uri_that_fits_a_template_is_read_with_its_parameters(
    polls: MCPServer, application: Any, uri: str, text: str
) -> None:
    assert (await read(application, uri))["result"]["contents"][0]["text"] == text


@pytest.mark.parametrize(
    "uri",
    [
        "files://../secret",
        "files://a/../../secret",
        "files://..",
        "files:///etc/passwd",
        "files://%2Fetc/passwd",
        "files://%2e%2e/secret",
        "files://..%2Fsecret",
        "files://..%5Csecret",
        "files://C:/secret",
        "files://a%00b",
        "polls://5/choices/..",
        "polls://5/choices/%2e%2e",
    ],
)
async def test_a_parameter_that_would_lead_out_of_its_place_leads_nowhere(
    polls: MCPServer, application: Any, uri: str
) -> None:
    error = (await read(application, uri))["error"]
    assert error == {"code": -32602, "message": f"Unknown resource: {uri}", "data": {"uri": uri}}


@pytest.mark.parametrize("uri", ["polls://", "polls://5/choices", "polls://5/6/7", "blogs://5", "polls:5"])
async def test_a_uri_of_another_form_is_unknown(polls: MCPServer, application: Any, uri: str) -> None:
    assert (await read(application, uri))["error"]["code"] == -32602


async def test_the_first_template_that_fits_is_the_one(server: MCPServer, application: Any) -> None:
    server.add_resource("polls://{one}", lambda one: f"first {one}", "first")
    server.add_resource("polls://{two}", lambda two: f"second {two}", "second")
    assert (await read(application, "polls://5"))["result"]["contents"][0]["text"] == "first 5"


async def test_templates_and_static_resources_are_listed_apart(polls: MCPServer, connect: Connect, era: str) -> None:
    async with connect(era) as client:
        templates = (await client.list_resource_templates()).resource_templates
        static = (await client.list_resources()).resources
    assert [each.uri_template for each in templates] == [
        "polls://{poll_id}",
        "polls://{poll_id}/choices/{choice}{?limit,order}",
        "files://{+path}",
    ]
    assert [each.uri for each in static] == ["polls://latest"]


async def test_a_template_takes_the_context_besides_its_parameters(server: MCPServer, application: Any) -> None:
    @server.resource("polls://{poll_id}")
    def poll(ctx: Context, poll_id: int) -> str:
        return f"{poll_id} {ctx.transport}"

    assert (await read(application, "polls://5"))["result"]["contents"][0]["text"] == "5 streamable-http"


# Declarations


def two(poll_id: int, choice: str) -> None: ...
def one(poll_id: int) -> None: ...
def none() -> None: ...
def optional(poll_id: int = 5) -> None: ...


@pytest.mark.parametrize(
    ("uri", "fn", "reason"),
    [
        ("polls://{poll_id}/{choice}", one, "the function has no parameter 'choice'."),
        ("polls://{a}/{b}", none, "the function has no parameter 'a', 'b'."),
        ("polls://{poll_id}", two, "nothing in the URI fills the parameter 'choice'."),
        ("polls://latest", one, "nothing in the URI fills the parameter 'poll_id'."),
        ("polls://{poll_id", one, ""),
        ("polls://{poll_id}{poll_id}", one, ""),
        ("polls://all{?poll_id}", one, "'poll_id' may be missing from the URI, so it needs a default."),
    ],
)
def test_a_template_that_does_not_fit_its_function_is_an_error_that_names_both(
    uri: str, fn: Callable[..., Any], reason: str
) -> None:
    with pytest.raises(InvalidDeclaration) as refused:
        compile_uri(uri, fn)
    assert str(refused.value).startswith(f"resource {uri!r} in {__name__}: {reason}")


@pytest.mark.parametrize("uri", ["polls://latest", "polls://all{?poll_id}", "polls://{poll_id}"])
def test_a_parameter_with_a_default_may_be_in_the_uri_or_not(uri: str) -> None:
    assert compile_uri(uri, optional)["name"] == "poll"


def test_a_resource_is_listed_with_all_that_is_said_of_it() -> None:
    found = compile_uri(
        "polls://latest",
        none,
        title="Latest",
        description="The latest poll.",
        mime_type="text/plain",
        size=5,
        annotations={"audience": ["user"], "priority": 0.5},
        icons=["https://polls.test/icon.png"],
        tags=["b", "a"],
        meta={"polls.test/id": 5},
    )
    assert found == {
        "name": "poll",
        "uri": "polls://latest",
        "title": "Latest",
        "description": "The latest poll.",
        "mimeType": "text/plain",
        "size": 5,
        "annotations": {"audience": ["user"], "priority": 0.5},
        "icons": [{"src": "https://polls.test/icon.png"}],
        "_meta": {"polls.test/id": 5, "tags": ["a", "b"]},
    }


def test_a_template_has_no_size() -> None:
    found = compile_uri("polls://{poll_id}", one, size=5)
    assert found == {"name": "poll", "uriTemplate": "polls://{poll_id}"}


def serve(server: MCPServer, options: dict[str, Any]) -> Engine:
    server.add_resource("polls://latest", none, **options)
    return Engine(server)


@pytest.mark.parametrize(
    "options",
    [
        {"annotations": {"priority": 5}},
        {"annotations": {"audience": ["robots"]}},
        {"cache_scope": "everyone"},
        {"cache_seconds": -1},
        {"cache_seconds": float("nan")},
        {"size": "big"},
        {"mime_type": 5},
        {"timeout": -1},
        {"icons": [{"source": "x"}]},
        {"title": 5},
        {"meta": {"polls.test/id": object()}},
    ],
)
def test_an_option_that_no_client_would_understand_is_refused(server: MCPServer, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidDeclaration):
        serve(server, options)
