"""Progress, log messages and cancellation: what the page how-to/progress-logging-cancellation.md shows."""

from __future__ import annotations

from collections.abc import Generator

from django.db.models import Sum
from polls.models import Choice, Question

from mcp_django import Context, Progress, mcp


# region: async
@mcp.tool
async def recount(ctx: Context) -> int:
    """Count all votes again."""
    questions = [question async for question in Question.objects.all()]
    total = 0
    for done, question in enumerate(questions):
        await ctx.report_progress(done, len(questions), question.question_text)
        total += sum([choice.votes async for choice in question.choices.all()])
    await ctx.info(f"Counted {total} votes.")
    return total


# endregion
# region: polling
@mcp.tool
async def recount_slowly(ctx: Context) -> int:
    """Count all votes again, while the client looks in every five seconds."""
    await ctx.close_sse_stream(retry_seconds=5)
    return (await Choice.objects.aaggregate(total=Sum("votes")))["total"] or 0


# endregion
# region: sync
@mcp.tool
def reset_votes(ctx: Context) -> int:
    """Set the votes of all choices to 0."""
    choices = list(Choice.objects.order_by("pk"))
    for done, choice in enumerate(choices):
        if ctx.cancelled:
            break
        ctx.report_progress_sync(done, len(choices))
        Choice.objects.filter(pk=choice.pk).update(votes=0)
    ctx.info_sync(f"Reset {len(choices)} choices.")
    return len(choices)


# endregion
# region: generator
@mcp.tool
def longest_question() -> Generator[Progress, None, str]:
    """Find the question with the longest text."""
    longest = ""
    total = Question.objects.count()
    for done, question in enumerate(Question.objects.iterator()):
        yield Progress(done, total)
        longest = max(longest, question.question_text, key=len)
    return longest


# endregion
