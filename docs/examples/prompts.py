"""Prompts and completions: what the page how-to/prompts-and-completions.md shows."""

from __future__ import annotations

from typing import Literal

from polls.models import Question

from mcp_django import AssistantMessage, Message, UserMessage, mcp


# region: prompt
@mcp.prompt(title="Sum up a poll")
def sum_up(question: str, tone: Literal["dry", "cheerful"] = "dry") -> str:
    """Sum up how people voted.

    Args:
        question: Words of the question.
        tone: How it should read.
    """
    return f"Search the polls for {question!r}, read the votes, and sum them up in a {tone} tone."


# endregion
# region: messages
@mcp.prompt
def interview() -> list[Message]:
    """Find out together what to ask people."""
    return [
        UserMessage("I want to start a poll."),
        AssistantMessage("Who will vote, and what will you do with the answer?"),
        UserMessage("Ask me one thing at a time, then write the question and three choices."),
    ]


# endregion
# region: function
@mcp.completion(prompt="sum_up", argument="question")
def complete_question(typed: str) -> list[str]:
    found = Question.objects.filter(question_text__istartswith=typed).order_by("question_text")
    return list(found.values_list("question_text", flat=True)[:20])


# endregion
# region: queryset
@mcp.resource(
    "polls://by-text/{text}",
    complete={"text": Question.objects.order_by("question_text").values_list("question_text", flat=True)},
)
def by_text(text: str) -> dict[str, int]:
    """How many voted on the question with this text."""
    question = Question.objects.get(question_text=text)
    return {choice.choice_text: choice.votes for choice in question.choices.all()}


# endregion
# region: filled
@mcp.prompt
def defend(question: str, choice: str) -> str:
    """Defend a choice."""
    return f"Asked {question!r}, why would one answer {choice!r}? Make the best case for it."


@mcp.completion(prompt="defend", argument="choice")
def complete_choice(typed: str, filled: dict[str, str]) -> list[str]:
    question = Question.objects.filter(question_text=filled.get("question", "")).first()
    if question is None:
        return []
    return [each.choice_text for each in question.choices.all() if each.choice_text.startswith(typed)]


# endregion
