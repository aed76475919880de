"""Questions to the client: what the page how-to/ask-the-client.md shows."""

from __future__ import annotations

from polls.models import Choice, Question
from pydantic import BaseModel, Field

from mcp_django import Context, mcp


# region: elicit
class Confirmation(BaseModel):
    sure: bool = Field(description="Its choices and votes go as well.")


@mcp.tool(destructive=True)
async def delete_question(question_id: int, ctx: Context) -> str:
    """Delete a question, once the person agrees."""
    question = await Question.objects.aget(pk=question_id)
    answer = await ctx.elicit(f"Delete {question.question_text!r}?", Confirmation)
    if answer.action != "accept" or not answer.data.sure:
        return "Nothing was deleted."
    await question.adelete()
    return "Deleted."


# endregion
# region: sample
@mcp.tool(read_only=True)
async def describe(question_id: int, ctx: Context) -> str:
    """Describe the choices of a question in a sentence."""
    choices = [choice.choice_text async for choice in Choice.objects.filter(question=question_id).order_by("pk")]
    if not ctx.supports("sampling"):
        return ", ".join(choices)
    answer = await ctx.sample(f"Describe these choices in one sentence: {choices}", max_tokens=100)
    return str(answer.content.text)


# endregion
