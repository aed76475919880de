"""The README's mcp.py."""

from __future__ import annotations

# region: mcp
from polls.models import Question

from mcp_django import mcp


@mcp.tool(read_only=True)
def count_questions(text: str = "") -> int:
    """Count the questions that have a text in them."""
    return Question.objects.filter(question_text__icontains=text).count()


# endregion
