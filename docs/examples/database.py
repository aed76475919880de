"""The database and transactions: what the page how-to/database-and-transactions.md shows."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from polls.models import Choice, Question

from mcp_django import Context, ToolError, mcp


# region: both
@mcp.tool
def close_question(question_id: int) -> str:
    """Delete the choices nobody voted for."""
    deleted, _ = Choice.objects.filter(question=question_id, votes=0).delete()
    return f"{deleted} choices deleted."


@mcp.tool
async def question_titles() -> list[str]:
    """List all questions."""
    return [text async for text in Question.objects.order_by("pk").values_list("question_text", flat=True)]


# endregion
# region: atomic
@mcp.tool(atomic=True)
def create_question(text: str, choices: list[str]) -> int:
    """Create a question with its choices, or nothing at all."""
    question = Question.objects.create(question_text=text, pub_date=timezone.now())
    for choice in choices:
        if not choice.strip():
            raise ToolError("A choice must not be empty. Nothing was saved.")
        question.choices.create(choice_text=choice)
    return question.pk


# endregion
# region: async-atomic
@mcp.tool(atomic=True)
async def move_votes(source_id: int, target_id: int) -> int:
    """Move the votes of one choice to another."""
    source = await Choice.objects.aget(pk=source_id)
    target = await Choice.objects.aget(pk=target_id)
    target.votes, source.votes = target.votes + source.votes, 0
    await source.asave(update_fields=["votes"])
    await target.asave(update_fields=["votes"])
    return target.votes


# endregion
# region: cancelled
@mcp.tool(timeout=60)
def merge_questions(source_id: int, target_id: int, ctx: Context) -> str:
    """Move all choices of one question to another, and delete the first."""
    with transaction.atomic():
        for choice in Choice.objects.filter(question=source_id):
            if ctx.cancelled:
                raise ToolError("Stopped. Nothing was moved.")  # rolls back
            Choice.objects.filter(pk=choice.pk).update(question=target_id)
        Question.objects.filter(pk=source_id).delete()
    return "Merged."


# endregion
