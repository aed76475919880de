"""docs/how-to/errors.md."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS

from tests.docs.conftest import Ask, Load

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _example(load: Load) -> None:
    load("docs.examples.errors")


async def failure(ask: Ask, tool: str, **arguments: Any) -> str:
    async with ask() as client:
        result = await client.call_tool(tool, arguments)
    assert result.is_error, result
    return str(result.content[0].text)  # type: ignore[union-attr]


async def test_the_client_reads_what_the_author_meant_it_to_read(ask: Ask, question: Any) -> None:
    popular, free = [choice.pk async for choice in question.choices.order_by("pk")]
    assert await failure(ask, "rename_choice", choice_id=popular, text="x") == (
        "People voted for this choice. Add a new one instead of renaming it."
    )
    assert await failure(ask, "rename_choice", choice_id=0, text="x") == "Choice matching query does not exist."
    assert await failure(ask, "rename_choice", choice_id=free, text="") == "choice_text: This field cannot be blank."
    assert await failure(ask, "add_choice", question_id=question.pk, text="the sky") == (
        "text: This choice is there already."
    )
    assert await failure(ask, "purge") == "You may not delete choices."


async def test_a_crash_is_one_neutral_sentence_and_a_traceback_in_the_log(
    ask: Ask, question: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await question.choices.aupdate(votes=0)
    choice = await question.choices.afirst()
    text = await failure(ask, "share_of", choice_id=choice.pk)
    assert text == "Tool 'share_of' failed unexpectedly. The error was logged."
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert record.name == "mcp_django.engine.errors"
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


async def test_a_protocol_error_is_raised_on_purpose(ask: Ask) -> None:
    async with ask() as client:
        with pytest.raises(MCPError, match="digits only") as refused:
            await client.call_tool("vote_with_code", {"choice_id": 1, "code": "x"})
    assert refused.value.code == INVALID_PARAMS
