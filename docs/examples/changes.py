"""Telling clients of changes: what the page how-to/tell-clients-of-changes.md shows."""

from __future__ import annotations

from polls.models import Choice, Question

from mcp_django import mcp


def resource_uri(choice: Choice) -> str:
    return f"polls://questions/{choice.question_id}"


def tie() -> None:
    """Tie resources to models. In an mcp.py, these lines stand at the top level."""
    # region: save
    mcp.notify_on_save(Question, "polls://questions/{pk}")
    mcp.notify_on_save(Choice, resource_uri)
    # endregion


# region: by-hand
def reset_votes(question_id: int) -> None:
    """Set the votes of a question to 0: in a view, a job, a command, anywhere in Django."""
    Choice.objects.filter(question=question_id).update(votes=0)  # sends no signal
    mcp.notify_resource_updated(f"polls://questions/{question_id}")


# endregion
