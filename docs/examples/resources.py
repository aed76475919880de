"""Resources and templates: what the page how-to/resources-and-templates.md shows."""

from __future__ import annotations

import csv
import io

from django.db.models import QuerySet
from polls.models import Choice, Question
from pydantic import BaseModel

from mcp_django import Context, mcp


# region: static
@mcp.resource("polls://about", title="About the polls")
def about() -> str:
    """What the polls are for."""
    return "Questions that the visitors of this site vote on."


# endregion
# region: template
class ChoiceCounted(BaseModel):
    id: int
    choice_text: str
    votes: int


@mcp.resource("polls://questions/{question_id}/choices", output=list[ChoiceCounted])
def choices(question_id: int) -> QuerySet[Choice]:
    """The choices of a question and their votes."""
    return Question.objects.get(pk=question_id).choices.order_by("pk")


# endregion
# region: query
@mcp.resource("polls://search{?text,limit}", mime_type="application/json")
def search(text: str = "", limit: int = 20) -> list[str]:
    """Questions that have a text in them."""
    return list(Question.objects.filter(question_text__icontains=text).values_list("question_text", flat=True)[:limit])


# endregion
# region: bytes
@mcp.resource("polls://export.csv", mime_type="text/csv")
def export() -> bytes:
    """All choices as a table."""
    out = io.StringIO()
    csv.writer(out).writerows(Choice.objects.order_by("pk").values_list("choice_text", "votes"))
    return out.getvalue().encode()


# endregion
# region: cache
@mcp.resource("polls://rules", mime_type="text/markdown", cache_seconds=3600, cache_scope="public")
def rules() -> str:
    """How voting works."""
    return "# Rules\n\nVote as often as you like."


# endregion
# region: nested
@mcp.tool(read_only=True)
async def explain_rules(ctx: Context) -> str:
    """Explain the rules of voting in one line."""
    (rules,) = await ctx.read_resource("polls://rules")
    return str(rules.content).splitlines()[-1]


# endregion
