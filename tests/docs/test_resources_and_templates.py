"""docs/how-to/resources-and-templates.md."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mcp import Client

from tests.docs.conftest import Ask, Load

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _example(load: Load) -> None:
    load("docs.examples.resources")


async def read(client: Client, uri: str) -> Any:
    (content,) = (await client.read_resource(uri)).contents
    return content


async def test_a_static_resource_is_listed_and_read(ask: Ask) -> None:
    async with ask() as client:
        listed = {str(resource.uri): resource for resource in (await client.list_resources()).resources}
        content = await read(client, "polls://about")
    assert listed["polls://about"].title == "About the polls"
    assert (content.mime_type, content.text) == ("text/plain", "Questions that the visitors of this site vote on.")


async def test_a_template_reads_rows_into_the_declared_fields(ask: Ask, question: Any) -> None:
    async with ask() as client:
        templates = [each.uri_template for each in (await client.list_resource_templates()).resource_templates]
        content = await read(client, f"polls://questions/{question.pk}/choices")
    assert "polls://questions/{question_id}/choices" in templates
    assert content.mime_type == "application/json"
    assert [choice["votes"] for choice in json.loads(content.text)] == [3, 0]


async def test_what_may_be_missing_from_the_uri_has_a_default(ask: Ask, question: Any) -> None:
    async with ask() as client:
        found = await read(client, "polls://search?text=new")
        none = await read(client, "polls://search?text=old&limit=1")
        everything = await read(client, "polls://search")
    assert [json.loads(each.text) for each in (found, none, everything)] == [["What is new?"], [], ["What is new?"]]


async def test_bytes_become_a_blob(ask: Ask, question: Any) -> None:
    async with ask() as client:
        content = await read(client, "polls://export.csv")
    assert content.mime_type == "text/csv"
    assert content.blob


async def test_a_resource_says_how_long_it_may_be_kept(ask: Ask) -> None:
    async with ask(mode="2026-07-28") as client:
        result = await client.read_resource("polls://rules")
    assert (result.ttl_ms, result.cache_scope) == (3_600_000, "public")


async def test_a_tool_reads_a_resource(ask: Ask) -> None:
    async with ask() as client:
        result = await client.call_tool("explain_rules", {})
    assert result.structured_content == {"result": "Vote as often as you like."}
