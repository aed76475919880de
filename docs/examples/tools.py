"""Tools: what the page how-to/tools.md shows."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from polls.models import Choice, Question
from pydantic import BaseModel, Field

from mcp_django import Image, mcp


# region: declare
@mcp.tool
def count_questions() -> int:
    """Count all questions."""
    return Question.objects.count()


@mcp.tool
async def count_votes(question_id: int) -> int:
    """Count the votes of one question."""
    return sum([votes async for votes in Choice.objects.filter(question=question_id).values_list("votes", flat=True)])


# endregion
# region: options
@mcp.tool(
    "polls.delete_choice",
    title="Delete a choice",
    read_only=False,
    destructive=True,
    idempotent=True,
    open_world=False,
    timeout=10,  # seconds
)
def delete_choice(choice_id: int) -> str:
    """Delete a choice with its votes, for good."""
    deleted, _ = Choice.objects.filter(pk=choice_id).delete()
    return "Deleted." if deleted else "There was no such choice."


# endregion
# region: arguments
@mcp.tool(read_only=True)
def latest_questions(
    limit: Annotated[int, Field(ge=1, le=50)] = 10,
    since: datetime.date | None = None,
    order: Literal["newest", "oldest"] = "newest",
) -> list[str]:
    """List questions by date.

    Args:
        limit: Most questions to return.
        since: Leave out what is older.
        order: Which end of the list comes first.
    """
    found = Question.objects.order_by("-pub_date" if order == "newest" else "pub_date")
    if since is not None:
        found = found.filter(pub_date__date__gte=since)
    return [question.question_text for question in found[:limit]]


# endregion
# region: raw
SCHEMA = {
    "type": "object",
    "properties": {"field": {"type": "string", "enum": ["id", "question_text"]}},
    "required": ["field"],
    "additionalProperties": False,
}


@mcp.tool(input_schema=SCHEMA, read_only=True)
def values_of(**arguments: Any) -> list[str]:
    """List the values of one field."""
    return [str(value) for value in Question.objects.values_list(arguments["field"], flat=True)]


# endregion
# region: output
class QuestionFound(BaseModel):
    id: int
    question_text: str


@mcp.tool(read_only=True)
def get_question(question_id: int) -> QuestionFound:
    """Return one question."""
    return QuestionFound.model_validate(Question.objects.get(pk=question_id), from_attributes=True)


@mcp.tool(read_only=True, output=list[QuestionFound])
def all_questions() -> QuerySet[Question]:
    """Return every question."""
    return Question.objects.order_by("pk")


# endregion
# region: content
@mcp.tool(read_only=True)
def chart(question_id: int) -> Image:
    """Draw the votes of a question."""
    bars = Choice.objects.filter(question=question_id).order_by("pk").values_list("votes", flat=True)
    rects = "".join(f'<rect y="{12 * n}" width="{votes}" height="10"/>' for n, votes in enumerate(bars))
    svg = f'<svg xmlns="http://www.w3.org/2000/svg">{rects}</svg>'
    return Image(data=svg.encode(), mime_type="image/svg+xml")


# endregion
# region: run-time
def offer_question(question: Question) -> None:
    """Add a tool for one question while the server runs."""

    def answer() -> list[str]:
        return [choice.choice_text for choice in question.choices.order_by("pk")]

    mcp.add_tool(answer, f"choices_{question.pk}", description=f"The choices of: {question.question_text}")


def withdraw_question(question: Question) -> None:
    mcp.remove_tool(f"choices_{question.pk}")


# endregion
