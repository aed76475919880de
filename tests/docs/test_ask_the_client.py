"""docs/how-to/ask-the-client.md."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from mcp_types import CreateMessageResult, ElicitResult, TextContent

from mcp_django import MCPServer
from mcp_django.transports.streamable_http import StreamableHTTPConsumer
from tests.docs.conftest import Ask, Load
from tests.wire import JSON_HEADERS, Call, post, request

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _example(load: Load) -> None:
    load("docs.examples.asking")


@pytest.mark.parametrize(("sure", "said", "left"), [(True, "Deleted.", 0), (False, "Nothing was deleted.", 1)])
async def test_a_client_of_2026_is_asked_and_calls_again(
    ask: Ask, question: Any, polls: Any, *, sure: bool, said: str, left: int
) -> None:
    asked = []

    async def answer(context: Any, params: Any) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"sure": sure})

    async with ask(mode="2026-07-28", elicitation_callback=answer) as client:
        result = await client.call_tool("delete_question", {"question_id": question.pk})
    assert asked == ["Delete 'What is new?'?"]
    assert result.structured_content == {"result": said}
    assert await polls.Question.objects.acount() == left


async def test_a_client_that_shook_hands_is_asked_on_the_stream(
    default_server: MCPServer, question: Any, settings: Any
) -> None:
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "SESSIONS": True}
    application = StreamableHTTPConsumer.as_asgi(server=default_server)
    hello = {
        "protocolVersion": "2025-11-25",
        "capabilities": {"elicitation": {}},
        "clientInfo": {"name": "test", "version": "1"},
    }
    session = {"mcp-session-id": (await post(application, request("initialize", hello))).headers["mcp-session-id"]}
    body = request("tools/call", {"name": "delete_question", "arguments": {"question_id": question.pk}}, id=2)
    call = Call(application, json.dumps(body).encode(), headers={**JSON_HEADERS, **session})
    async with asyncio.timeout(10):
        while not (asked := [each for each in call.response.events if each.get("method") == "elicitation/create"]):
            await call.sent.get()
        answer = {"jsonrpc": "2.0", "id": asked[0]["id"], "result": {"action": "accept", "content": {"sure": True}}}
        assert (await post(application, answer, headers=session)).status == 202
    *_, last = (await call.finished()).events
    assert last["result"]["structuredContent"] == {"result": "Deleted."}


async def test_a_client_that_can_not_be_asked_is_told_so(ask: Ask, question: Any, era: str) -> None:
    async with ask(mode=era) as client:
        described = await client.call_tool("describe", {"question_id": question.pk})
    assert described.structured_content == {"result": "Not much, The sky"}


async def test_the_clients_model_is_asked(ask: Ask, question: Any) -> None:
    async def answer(context: Any, params: Any) -> CreateMessageResult:
        return CreateMessageResult(role="assistant", content=TextContent(type="text", text="Calm."), model="test")

    async with ask(mode="2026-07-28", sampling_callback=answer) as client:
        described = await client.call_tool("describe", {"question_id": question.pk})
    assert described.structured_content == {"result": "Calm."}
