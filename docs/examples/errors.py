"""Errors: what the page how-to/errors.md shows."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied, ValidationError
from mcp_types import INVALID_PARAMS
from polls.models import Choice

from mcp_django import Context, ToolError, mcp
from mcp_django.exceptions import ProtocolError


# region: told
@mcp.tool
def rename_choice(choice_id: int, text: str) -> str:
    """Give a choice another text."""
    choice = Choice.objects.get(pk=choice_id)  # Choice.DoesNotExist: the client reads it
    if choice.votes:
        raise ToolError("People voted for this choice. Add a new one instead of renaming it.")
    choice.choice_text = text
    choice.full_clean()  # ValidationError: the client reads field and message
    choice.save()
    return choice.choice_text


# endregion
# region: refused
@mcp.tool
def purge(ctx: Context) -> str:
    """Delete all choices."""
    if not ctx.user.has_perm("polls.delete_choice"):
        raise PermissionDenied("You may not delete choices.")
    Choice.objects.all().delete()
    return "Purged."


# endregion
# region: crash
@mcp.tool
def share_of(choice_id: int) -> float:
    """Return the share of votes of a choice."""
    choice = Choice.objects.get(pk=choice_id)
    total = sum(each.votes for each in choice.question.choices.all())
    return choice.votes / total  # ZeroDivisionError: one neutral sentence for the client, a traceback in the log


# endregion
# region: protocol
@mcp.tool
def vote_with_code(choice_id: int, code: str) -> str:
    """Vote with a code."""
    if not code.isdigit():
        raise ProtocolError(INVALID_PARAMS, "The code has digits only.")
    return f"Voted for {choice_id}."


# endregion
# region: validate
@mcp.tool
def add_choice(question_id: int, text: str) -> int:
    """Add a choice to a question."""
    if Choice.objects.filter(question=question_id, choice_text__iexact=text).exists():
        raise ValidationError({"text": "This choice is there already."})
    return Choice.objects.create(question_id=question_id, choice_text=text).pk


# endregion
