"""What a process that serves over stdio loads: one client waits for it, each time that it is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.test_imports import DISCOVER, START, loaded, polls

__all__ = ["polls"]

MCP_PY = '''
from __future__ import annotations

from mcp_django import Audio, Context, Image, Message, ToolError, mcp
from mcp_django.exceptions import ProtocolError


@mcp.tool(meta={"com.example/kind": "poll"}, read_only=True, icons=["https://example.com/a.png"])
async def search(text: str, ctx: Context, limit: int = 10) -> list[str]:
    """Find polls."""
    await ctx.info("Searching.")
    return [text] * limit


@mcp.tool
def picture() -> Image:
    return Image(data=b"a", format="png")


@mcp.tool
def fails(how: str) -> dict[str, int]:
    raise ToolError("No.") if how == "tool" else ProtocolError(-31000, "No.") if how == "protocol" else RuntimeError


@mcp.resource("polls://all", annotations={"audience": ["user"], "priority": 0.5})
def polls() -> str:
    return "polls"


@mcp.prompt
def summarise(poll: str) -> Message:
    return Message(f"Summarise {poll}.")
'''

SERVE = """
import io
import json
import os

import mcp_django.transports.stdio as stdio
from mcp_django.auth import LOCAL
from mcp_django.registry import mcp

ERA = "{era}"
INFO = {{"name": "client", "version": "1"}}
OFFERS = {{"roots": {{"listChanged": True}}, "sampling": {{}}, "elicitation": {{"form": {{}}, "url": {{}}}}}}
KEYS = {{"protocolVersion": "2026-07-28", "clientInfo": INFO, "clientCapabilities": OFFERS}}
META = {{"io.modelcontextprotocol/" + key: value for key, value in KEYS.items()}} if ERA == "modern" else None


def said(number, method, **params):
    more = {{"_meta": META}} if META else {{}}
    return json.dumps({{"jsonrpc": "2.0", "id": number, "method": method, "params": params | more}}).encode() + b"\\n"


def call(number, name, **arguments):
    return said(number, "tools/call", name=name, arguments=arguments)


offered = OFFERS | {{"other": {{}}}} if ERA == "unusual" else OFFERS
hello = said(0, "initialize", protocolVersion="2025-11-25", clientInfo=INFO, capabilities=offered)
if META:
    hello = said(0, "server/discover")
lists = [said(number, name + "/list") for number, name in enumerate(["tools", "resources", "prompts"], 1)]
calls = [call(4, "search", text="a"), call(6, "none")]
fails = [call(7, "fails", how="tool"), call(8, "fails", how="protocol"), call(9, "fails", how="crash")]
(server_in, client_out), (client_in, server_out) = os.pipe(), os.pipe()
os.write(client_out, b"".join([hello, *lists, *calls, *fails]))
os.close(client_out)
with os.fdopen(server_in, "rb") as reader, os.fdopen(server_out, "wb") as writer:
    import asyncio

    asyncio.run(stdio.StdioServer(mcp, LOCAL, reader, writer).run())
with os.fdopen(client_in, "rb") as answers:
    found = {{answer.get("id"): answer for answer in map(json.loads, answers)}}
assert [each["name"] for each in found[1]["result"]["tools"]] == ["search", "picture", "fails"], found
assert found[4]["result"]["structuredContent"] == {{"result": ["a"] * 10}}, found[4]
assert [found[number]["error"]["code"] for number in (6, 8)] == [-32602, -31000], found
assert found[7]["result"]["isError"] and found[9]["result"]["isError"], found
"""

IN_DJANGO = START + DISCOVER.partition("assert")[0]


@pytest.mark.parametrize("era", ["handshake", "modern"])
def test_a_usual_session_over_stdio_loads_the_types_of_the_sdk_and_no_more(polls: Path, era: str) -> None:
    (polls / "polls" / "mcp.py").write_text(MCP_PY, encoding="utf-8")
    heavy = ("mcp", "mcp_types.methods", "jsonschema", "starlette", "httpx2")
    assert loaded(IN_DJANGO + SERVE.format(era=era), polls, heavy) == []


def test_an_unusual_one_loads_the_schemas(polls: Path) -> None:
    """So the test above could fail."""
    (polls / "polls" / "mcp.py").write_text(MCP_PY, encoding="utf-8")
    heavy = ("mcp", "mcp_types.methods")
    assert loaded(IN_DJANGO + SERVE.format(era="unusual"), polls, heavy) == [heavy[1]]
