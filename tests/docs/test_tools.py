"""docs/how-to/tools.md."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from tests.docs.conftest import Ask, Load

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def example(load: Load) -> ModuleType:
    return load("docs.examples.tools")


async def structured(ask: Ask, tool: str, **arguments: Any) -> Any:
    async with ask() as client:
        result = await client.call_tool(tool, arguments)
    assert not result.is_error, result
    return result.structured_content


async def test_sync_and_async_tools_read_the_database(ask: Ask, question: Any) -> None:
    assert await structured(ask, "count_questions") == {"result": 1}
    assert await structured(ask, "count_votes", question_id=question.pk) == {"result": 3}


async def test_the_options_of_a_tool_are_listed(ask: Ask) -> None:
    async with ask() as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    tool = tools["polls.delete_choice"]
    assert tool.title == "Delete a choice"
    assert tool.annotations is not None
    assert (tool.annotations.destructive_hint, tool.annotations.idempotent_hint) == (True, True)
    assert (tool.annotations.read_only_hint, tool.annotations.open_world_hint) == (False, False)


async def test_a_tool_can_be_called_by_its_own_name(ask: Ask, question: Any) -> None:
    assert await structured(ask, "polls.delete_choice", choice_id=1) == {"result": "Deleted."}
    assert await structured(ask, "polls.delete_choice", choice_id=1) == {"result": "There was no such choice."}


async def test_arguments_become_a_schema_with_descriptions(ask: Ask, question: Any) -> None:
    async with ask() as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    properties = tools["latest_questions"].input_schema["properties"]
    assert (properties["limit"]["minimum"], properties["limit"]["maximum"]) == (1, 50)
    assert properties["limit"]["description"] == "Most questions to return."
    assert properties["order"]["enum"] == ["newest", "oldest"]
    assert await structured(ask, "latest_questions", since="2000-01-01") == {"result": ["What is new?"]}


async def test_a_wrong_argument_is_refused_by_its_name(ask: Ask) -> None:
    async with ask() as client:
        result = await client.call_tool("latest_questions", {"limit": 99, "colour": "red"})
    assert result.is_error
    text = result.content[0].text  # type: ignore[union-attr]
    assert "limit: Input should be less than or equal to 50" in text
    assert "colour: there is no such argument" in text


async def test_a_raw_schema_is_published_and_enforced(ask: Ask, question: Any) -> None:
    assert await structured(ask, "values_of", field="question_text") == {"result": ["What is new?"]}
    async with ask() as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        refused = await client.call_tool("values_of", {"field": "password"})
    assert tools["values_of"].input_schema["properties"]["field"]["enum"] == ["id", "question_text"]
    assert refused.is_error


async def test_models_are_sent_with_the_declared_fields_only(ask: Ask, question: Any) -> None:
    found = {"id": question.pk, "question_text": "What is new?"}
    assert await structured(ask, "get_question", question_id=question.pk) == found
    assert await structured(ask, "all_questions") == {"result": [found]}


async def test_a_picture_is_sent_as_one(ask: Ask, question: Any) -> None:
    async with ask() as client:
        result = await client.call_tool("chart", {"question_id": question.pk})
    assert result.content[0].mime_type == "image/svg+xml"  # type: ignore[union-attr]


async def test_tools_come_and_go_while_the_server_runs(ask: Ask, example: ModuleType, question: Any) -> None:
    example.offer_question(question)
    assert await structured(ask, f"choices_{question.pk}") == {"result": ["Not much", "The sky"]}
    example.withdraw_question(question)
    async with ask() as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
    assert f"choices_{question.pk}" not in names
