"""docs/how-to/progress-logging-cancellation.md."""

from __future__ import annotations

import logging
from types import ModuleType
from typing import Any

import pytest

from mcp_django import MCPServer
from mcp_django.transports.streamable_http import StreamableHTTPConsumer
from tests.docs.conftest import Ask, Load
from tests.wire import Response, post, request

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def example(load: Load) -> ModuleType:
    return load("docs.examples.progress")


async def call(server: MCPServer, tool: str) -> Response:
    application = StreamableHTTPConsumer.as_asgi(server=server)
    return await post(application, request("tools/call", {"name": tool}, progressToken="p"))


@pytest.mark.parametrize(
    ("tool", "total", "words", "answer"),
    [
        ("recount", 1, "Counted 3 votes.", 3),
        ("reset_votes", 2, "Reset 2 choices.", 2),
        ("longest_question", 1, None, "What is new?"),
    ],
)
async def test_progress_and_log_messages_come_before_the_answer(
    default_server: MCPServer, question: Any, tool: str, total: int, words: str | None, answer: object
) -> None:
    *before, last = (await call(default_server, tool)).events
    progress = [each["params"] for each in before if each["method"] == "notifications/progress"]
    logged = [each["params"]["data"] for each in before if each["method"] == "notifications/message"]
    assert [each["total"] for each in progress] == [total] * total
    assert logged == ([] if words is None else [words])
    assert last["result"]["structuredContent"] == {"result": answer}


async def test_log_messages_reach_djangos_logging(
    default_server: MCPServer, question: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "mcp_django"):
        await call(default_server, "recount")
    assert ("mcp_django.recount", logging.INFO, "Counted 3 votes.") in caplog.record_tuples


async def test_the_official_client_hears_of_progress(ask: Ask, question: Any, era: str) -> None:
    heard = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total, message))

    async with ask(mode=era) as client:
        await client.call_tool("recount", {}, progress_callback=hear)
    assert heard == [(0, 1, "What is new?")]
