"""Examples of docs/how-to/custom-routes.md."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest
from polls.models import Choice, Question
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse

from mcp_django import Blueprint, mcp


# region: first
@mcp.custom_route("/health", name="health", public=True)
def health(request: HttpRequest) -> dict[str, str]:
    return {"status": "ok"}


# endregion


# region: path
@mcp.custom_route("/questions/{pk:int}", name="question", public=True)  # or "/questions/<int:pk>"
def question(request: HttpRequest, pk: int) -> dict[str, Any]:
    found = Question.objects.get(pk=pk)
    return {"text": found.question_text, "choices": [choice.choice_text for choice in found.choices.all()]}


# endregion


# region: body
class NewChoice(BaseModel):
    text: str = Field(min_length=1, max_length=200)


class Page(BaseModel):
    limit: int = Field(10, ge=1, le=100)


@mcp.custom_route("/questions/{pk:int}/choices", methods=["POST"], body=NewChoice, scopes=["polls:write"])
def add_choice(request: HttpRequest, pk: int, body: NewChoice) -> NewChoice:
    Choice.objects.create(question_id=pk, choice_text=body.text)
    return body


@mcp.custom_route("/questions", query=Page, public=True, throttle="100/m")
def questions(query: Page) -> list[str]:
    return list(Question.objects.values_list("question_text", flat=True)[: query.limit])


# endregion


# region: stream
@mcp.custom_route("/export", scopes=["polls:read"])
def export(request: HttpRequest) -> Iterator[str]:
    for choice in Choice.objects.iterator():
        yield f"{choice.choice_text}\t{choice.votes}\n"


# endregion


# region: starlette
@mcp.custom_route("/echo/{word}", methods=["POST"], public=True)
async def echo(request: Request) -> JSONResponse:
    return JSONResponse({"word": request.path_params["word"], "body": await request.json()}, status_code=201)


# endregion


# region: blueprint
api = Blueprint("/api/v1", public=False)
staff = Blueprint("/staff", staff=True)


@api.route("/me")
def me(request: HttpRequest) -> str:
    return request.user.get_username()


@staff.route("/count")
def count(request: HttpRequest) -> dict[str, int]:
    return {"questions": Question.objects.count()}


staff.register(api)
api.register(mcp)
# endregion
