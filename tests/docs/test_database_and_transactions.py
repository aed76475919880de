"""docs/how-to/database-and-transactions.md."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mcp_django import Context, MCPServer
from mcp_django.transports.streamable_http import StreamableHTTPConsumer
from tests.docs.conftest import Ask, Load
from tests.wire import JSON_HEADERS, Call, request

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _example(load: Load) -> None:
    load("docs.examples.database")


async def test_sync_and_async_tools_use_the_orm(ask: Ask, question: Any) -> None:
    async with ask() as client:
        titles = await client.call_tool("question_titles", {})
        closed = await client.call_tool("close_question", {"question_id": question.pk})
    assert titles.structured_content == {"result": ["What is new?"]}
    assert closed.structured_content == {"result": "1 choices deleted."}


async def test_an_atomic_tool_that_fails_saves_nothing(ask: Ask, polls: Any) -> None:
    async with ask() as client:
        result = await client.call_tool("create_question", {"text": "Tea?", "choices": ["Yes", " "]})
    assert result.is_error
    assert not await polls.Question.objects.aexists()


async def test_an_atomic_async_tool_saves_all_of_its_work(ask: Ask, question: Any) -> None:
    source, target = [choice.pk async for choice in question.choices.order_by("pk")]
    async with ask() as client:
        result = await client.call_tool("move_votes", {"source_id": source, "target_id": target})
    assert result.structured_content == {"result": 3}
    assert [choice.votes async for choice in question.choices.order_by("pk")] == [0, 3]


async def test_an_atomic_async_tool_that_fails_saves_nothing(ask: Ask, question: Any) -> None:
    (source, _) = [choice.pk async for choice in question.choices.order_by("pk")]
    async with ask() as client:
        result = await client.call_tool("move_votes", {"source_id": source, "target_id": 0})
    assert result.is_error
    assert [choice.votes async for choice in question.choices.order_by("pk")] == [3, 0]


async def test_a_tool_that_looks_for_cancellation_stops_and_rolls_back(
    default_server: MCPServer, question: Any, polls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Context, "cancelled", property(lambda self: True))
    target = await polls.Question.objects.acreate(question_text="Old?", pub_date=question.pub_date)
    call = Call(
        StreamableHTTPConsumer.as_asgi(server=default_server),
        _body("merge_questions", source_id=question.pk, target_id=target.pk),
        headers=JSON_HEADERS,
    )
    async with asyncio.timeout(10):
        answer = (await call.finished()).json
    assert answer["result"]["content"][0]["text"] == "Stopped. Nothing was moved."
    assert await question.choices.acount() == 2


async def test_a_tool_that_nobody_cancels_goes_to_its_end(ask: Ask, question: Any, polls: Any) -> None:
    target = await polls.Question.objects.acreate(question_text="Old?", pub_date=question.pub_date)
    async with ask() as client:
        result = await client.call_tool("merge_questions", {"source_id": question.pk, "target_id": target.pk})
    assert result.structured_content == {"result": "Merged."}
    assert await target.choices.acount() == 2


def _body(tool: str, **arguments: Any) -> bytes:
    import json

    return json.dumps(request("tools/call", {"name": tool, "arguments": arguments})).encode()
