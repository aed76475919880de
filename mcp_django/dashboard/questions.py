"""What a tool asks while it runs, as a form; and the answers, for the call that comes again with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcp_django.dashboard.schema_fields import Field, SchemaForm


@dataclass(frozen=True, slots=True)
class Question:
    """One question: an elicitation, by a form or by a page to visit."""

    number: int
    key: str
    params: Mapping[str, Any]

    @property
    def message(self) -> str:
        return str(self.params.get("message", ""))

    @property
    def url(self) -> str:
        """Of the page to visit. Empty: it asks by a form, or leads to what no link may."""
        url = str(self.params.get("url", ""))
        return url if url.startswith(("https://", "http://")) else ""

    @property
    def form(self) -> SchemaForm:
        return SchemaForm(self.params.get("requestedSchema") or {"properties": {}}, prefix=f"answer{self.number}")

    @property
    def fields(self) -> list[Field]:
        return self.form.fields

    @property
    def action_name(self) -> str:
        return f"action{self.number}"


def questions_of(asked: Any) -> list[Question]:
    """Return the questions in a result's ``inputRequests``."""
    if not isinstance(asked, Mapping):
        return []
    return [
        Question(number, key, each.get("params") or {})
        for number, (key, each) in enumerate(asked.items())
        if isinstance(each, Mapping)
    ]


def answers_in(posted: Any) -> dict[str, Any]:
    """Return the params that answer the questions of the round before; none where there was none."""
    try:
        asked = questions_of(json.loads(posted.get("asked") or "null"))
    except (ValueError, RecursionError):
        asked = []
    if not asked or "requestState" not in posted:
        return {}
    responses = {}
    for question in asked:
        action = posted.get(question.action_name, "cancel")
        responses[question.key] = {"action": action}
        if action == "accept" and not question.url:
            responses[question.key]["content"] = question.form.read(posted.dict())
    return {"inputResponses": responses, "requestState": posted["requestState"]}
