"""docs/how-to/prompts-and-completions.md."""

from __future__ import annotations

from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, ResourceTemplateReference

from tests.docs.conftest import Ask, Load

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _example(load: Load) -> None:
    load("docs.examples.prompts")


async def test_a_string_becomes_a_message_of_the_user(ask: Ask) -> None:
    async with ask() as client:
        result = await client.get_prompt("sum_up", {"question": "new"})
    (message,) = result.messages
    assert message.role == "user"
    assert message.content.text == (  # type: ignore[union-attr]
        "Search the polls for 'new', read the votes, and sum them up in a dry tone."
    )


async def test_arguments_are_listed_and_checked(ask: Ask) -> None:
    async with ask() as client:
        prompts = {prompt.name: prompt for prompt in (await client.list_prompts()).prompts}
        with pytest.raises(MCPError, match="tone"):
            await client.get_prompt("sum_up", {"question": "new", "tone": "grim"})
    assert [(each.name, each.required) for each in prompts["sum_up"].arguments or ()] == [
        ("question", True),
        ("tone", False),
    ]


async def test_a_prompt_may_be_a_conversation(ask: Ask) -> None:
    async with ask() as client:
        messages = (await client.get_prompt("interview")).messages
    assert [message.role for message in messages] == ["user", "assistant", "user"]


async def test_choices_of_an_annotation_complete_themselves(ask: Ask) -> None:
    async with ask() as client:
        found = await client.complete(PromptReference(name="sum_up"), {"name": "tone", "value": "c"})
    assert found.completion.values == ["cheerful"]


async def test_a_function_suggests(ask: Ask, question: Any) -> None:
    async with ask() as client:
        found = await client.complete(PromptReference(name="sum_up"), {"name": "question", "value": "what"})
    assert found.completion.values == ["What is new?"]


async def test_a_queryset_suggests(ask: Ask, question: Any) -> None:
    reference = ResourceTemplateReference(uri="polls://by-text/{text}")
    async with ask() as client:
        found = await client.complete(reference, {"name": "text", "value": "wh"})
        none = await client.complete(reference, {"name": "text", "value": "zz"})
    assert (found.completion.values, none.completion.values) == (["What is new?"], [])


async def test_suggestions_may_depend_on_the_arguments_filled_before(ask: Ask, question: Any) -> None:
    async with ask() as client:
        found = await client.complete(
            PromptReference(name="defend"), {"name": "choice", "value": "The"}, {"question": "What is new?"}
        )
    assert found.completion.values == ["The sky"]
