"""Tests of a project's components: what the page how-to/testing.md shows."""

from __future__ import annotations

# region: connect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from django.test import TestCase
from django.utils import timezone
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from polls.models import Question

from mcp_django.asgi import get_mcp_application


@asynccontextmanager
async def connect(path: str = "/mcp") -> AsyncIterator[Client]:
    """Connect the official client to this project, in this process."""
    transport = httpx2.ASGITransport(app=get_mcp_application())
    async with (
        httpx2.AsyncClient(transport=transport, base_url="http://testserver") as http,
        Client(streamable_http_client(f"http://testserver{path}", http_client=http)) as client,
    ):
        yield client


# endregion
# region: testcase
class SearchPollsTests(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        Question.objects.create(question_text="What is new?", pub_date=timezone.now())

    async def test_questions_are_found_by_words_in_them(self) -> None:
        async with connect() as client:
            result = await client.call_tool("search_polls", {"text": "new"})
        assert [each["question_text"] for each in result.structured_content["result"]] == ["What is new?"]

    async def test_an_unknown_choice_is_explained(self) -> None:
        async with connect() as client:
            result = await client.call_tool("vote", {"choice_id": 0})
        assert result.is_error
        assert "There is no choice 0" in str(result.content)


# endregion
