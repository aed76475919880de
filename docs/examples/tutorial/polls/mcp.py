"""What the polls offer to AI clients."""

# region: imports
from __future__ import annotations

from django.db.models import F, QuerySet
from pydantic import BaseModel

from mcp_django import Context, ToolError, mcp
from polls.models import Choice, Question

# endregion
# region: search


class QuestionFound(BaseModel):
    """What a client gets to see of a question."""

    id: int
    question_text: str


@mcp.tool(read_only=True, output=list[QuestionFound])
def search_polls(text: str, limit: int = 10) -> QuerySet[Question]:
    """Find questions by words in them, the latest first.

    Args:
        text: Part of the question; case doesn't matter.
        limit: Most questions to return.
    """
    return Question.objects.filter(question_text__icontains=text).order_by("-pub_date")[:limit]


# endregion
# region: vote


class ChoiceCounted(BaseModel):
    id: int
    choice_text: str
    votes: int


@mcp.tool(destructive=False, atomic=True)
async def vote(choice_id: int, ctx: Context) -> ChoiceCounted:
    """Vote for a choice, and return it with its new count.

    Args:
        choice_id: From the resource polls://questions/{question_id}.
    """
    if not await Choice.objects.filter(pk=choice_id).aupdate(votes=F("votes") + 1):
        raise ToolError(f"There is no choice {choice_id}. Read polls://questions/<id> for the choices there are.")
    await ctx.info(f"One more vote for choice {choice_id}")
    return ChoiceCounted.model_validate(await Choice.objects.aget(pk=choice_id), from_attributes=True)


# endregion
# region: resource


class QuestionDetail(QuestionFound):
    choices: list[ChoiceCounted]


@mcp.resource("polls://questions/{question_id}", mime_type="application/json")
def question(question_id: int) -> QuestionDetail:
    """A question with its choices and their votes."""
    found = Question.objects.get(pk=question_id)
    return QuestionDetail(
        id=found.pk,
        question_text=found.question_text,
        choices=[ChoiceCounted.model_validate(each, from_attributes=True) for each in found.choices.order_by("pk")],
    )


# endregion
# region: prompt
@mcp.prompt
def summarise(topic: str) -> str:
    """Sum up what people voted on a topic."""
    return f"Search the polls for {topic!r}, read each one you find, and say in two sentences what people prefer."


# endregion
