"""The resources, prompts and completions that both servers serve, and the two servers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from mcp.server.mcpserver import Context
from mcp.server.mcpserver import MCPServer as SDKServer
from mcp.server.mcpserver.exceptions import ResourceError
from mcp.server.mcpserver.prompts.base import AssistantMessage, UserMessage
from mcp.shared.exceptions import MCPError
from mcp_types import (
    Completion,
    EmbeddedResource,
    Icon,
    ImageContent,
    TextContent,
    TextResourceContents,
    ToolAnnotations,
)
from pydantic import Field

from mcp_django import MCPServer
from tests.differential.tools import TOOLS

NAME, VERSION, INSTRUCTIONS = "differential", "1.0", "Compare."

F = TypeVar("F", bound=Callable[..., Any])

RESOURCES: dict[str, tuple[Any, dict[str, Any]]] = {}
PROMPTS: dict[str, tuple[Any, dict[str, Any]]] = {}


def resource(uri: str, **options: Any) -> Callable[[F], F]:
    def declare(fn: F) -> F:
        RESOURCES[uri] = (fn, options)
        return fn

    return declare


def prompt(**options: Any) -> Callable[[F], F]:
    def declare(fn: F) -> F:
        PROMPTS[fn.__name__] = (fn, options)
        return fn

    return declare


# Resources


@resource("static://text", mime_type="text/plain", title="Text", description="Some text.")
async def static_text() -> str:
    return "static text"


@resource("static://thread", mime_type="text/plain")
def static_thread() -> str:
    return "from a thread"


@resource("static://json", mime_type="application/json")
async def static_json() -> dict[str, Any]:
    return {"a": 1, "b": [None, "ż"]}


@resource("static://bytes", mime_type="image/png")
async def static_bytes() -> bytes:
    return b"\x89PNG"


@resource("static://unlabelled")
async def static_unlabelled() -> str:
    return "no MIME type"


@resource("static://unlabelled-json")
async def static_unlabelled_json() -> dict[str, Any]:
    return {"a": 1}


@resource("static://unlabelled-bytes")
async def static_unlabelled_bytes() -> bytes:
    return b"\x00"


@resource("static://adorned", mime_type="text/plain", icons=[Icon(src="https://example.org/i.png")], meta={"a/b": 1})
async def static_adorned() -> str:
    return "adorned"


@resource("static://crash", mime_type="text/plain")
async def static_crash() -> str:
    raise RuntimeError("nobody may read this")


@resource("static://refusal", mime_type="text/plain")
async def static_refusal() -> str:
    raise ResourceError("the client may read this")


@resource("static://protocol-error", mime_type="text/plain")
async def static_protocol_error() -> str:
    raise MCPError(code=-31000, message="on purpose", data={"why": "asked"})


@resource("files://{name}", mime_type="text/plain", description="A file.")
async def file(name: str) -> str:
    return f"file {name}"


@resource("paths://{+path}", mime_type="text/plain", description="A path.")
async def path(path: str) -> str:
    return f"path {path}"


@resource("numbers://{number}", mime_type="text/plain", description="A number.")
async def number(number: int) -> str:
    return f"number {number + 1}"


@resource("lists://all{/parts*}", mime_type="text/plain", description="Parts.")
async def parts(parts: list[str]) -> str:
    return f"parts {parts}"


@resource("two://{first}/{second}", mime_type="text/plain", title="Two", description="Two parameters.")
async def two(first: str, second: str) -> str:
    return f"{first} and {second}"


@resource("queries://{name}{?limit,offset}", mime_type="text/plain", description="A query.")
async def query(name: str, limit: int = 10, offset: int = 0) -> str:
    return f"{name} {limit} {offset}"


@resource("contexts://{name}", mime_type="text/plain", description="With context.")
async def with_context(name: str, ctx: Context) -> str:
    return f"{name} {ctx.request_id}"


@resource("crashes://{name}", mime_type="text/plain", description="Crashes.")
async def template_crash(name: str) -> str:
    raise RuntimeError("nobody may read this")


@resource("refusals://{name}", mime_type="text/plain", description="Refuses.")
async def template_refusal(name: str) -> str:
    raise ResourceError("the client may read this")


# Prompts


@prompt()
async def say_nothing() -> list[str]:
    return []


@prompt(title="Plain", description="A string.")
async def say_plain() -> str:
    return "plain"


@prompt()
def say_from_a_thread() -> str:
    return "thread"


@prompt()
async def say_with_arguments(topic: str, tone: str = "calm") -> str:
    return f"{topic} {tone}"


@prompt()
async def say_described(topic: str = Field(description="What about"), count: int = 1) -> str:
    """Says what it does."""
    return f"{topic} {count + 1}"


@prompt()
async def say_messages() -> list[Any]:
    return [UserMessage("question"), AssistantMessage("answer"), "string"]


@prompt()
async def say_dicts() -> list[Any]:
    return [{"role": "assistant", "content": {"type": "text", "text": "dict"}}]


@prompt()
async def say_contents() -> list[Any]:
    embedded = TextResourceContents(uri="static://text", mime_type="text/plain", text="static text")
    return [
        TextContent(type="text", text="block"),
        UserMessage(ImageContent(type="image", data="AAAA", mime_type="image/png")),
        UserMessage(EmbeddedResource(type="resource", resource=embedded)),
    ]


@prompt()
async def say_crash() -> str:
    raise RuntimeError("nobody may read this")


@prompt()
async def say_protocol_error() -> str:
    raise MCPError(code=-31000, message="on purpose", data={"why": "asked"})


# Completions


async def suggest(ref: Any, argument: Any, context: Any) -> Completion | None:
    if argument.value == "crash":
        raise RuntimeError("nobody may read this")
    if argument.value == "refuse":
        raise MCPError(code=-32602, message="on purpose")
    if argument.name == "tone":
        found = [tone for tone in ("calm", "cheerful", "stern") if tone.startswith(argument.value)]
        return Completion(values=found, total=len(found), has_more=False)
    if argument.name == "second" and context and context.arguments:
        return Completion(values=[f"{context.arguments.get('first')}-second"])
    return None


def make_ours() -> MCPServer:
    """Declare everything on a server of ours."""
    server = MCPServer(NAME, version=VERSION, instructions=INSTRUCTIONS)
    for tool in TOOLS:
        options: dict[str, Any] = {"title": tool.title, "description": tool.description, **tool.hints}
        server.add_tool(tool.fn, tool.name, **options, meta=tool.meta, structured_output=tool.structured_output)
    for uri, (fn, options) in RESOURCES.items():
        server.add_resource(uri, fn, **options)
    for fn, options in PROMPTS.values():
        server.add_prompt(fn, **options)
    server.completion(suggest)
    return server


def make_theirs() -> SDKServer:
    """Declare everything on a server of the SDK's."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    server = SDKServer(NAME, version=VERSION, instructions=INSTRUCTIONS)
    root.handlers[:], root.level = handlers, level  # its constructor takes over the root logger
    for tool in TOOLS:
        hints = ToolAnnotations(**{f"{hint}_hint": value for hint, value in tool.hints.items()}) if tool.hints else None
        server.add_tool(
            tool.fn,
            tool.name,
            title=tool.title,
            description=tool.description,
            annotations=hints,
            meta=tool.meta,
            structured_output=tool.structured_output,
        )
    for uri, (fn, options) in RESOURCES.items():
        server.resource(uri, **options)(fn)
    for fn, options in PROMPTS.values():
        server.prompt(**options)(fn)
    server.completion()(suggest)  # type: ignore[no-untyped-call]
    return server
