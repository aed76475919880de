"""The pieces that routes are built of: what the page how-to/route-patterns.md shows."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from django.utils import timezone
from polls.models import Question

from mcp_django import mcp
from mcp_django.routes import (
    GITHUB,
    OAuthLogin,
    Problem,
    ServerSentEvent,
    Webhook,
    WebhookEvent,
    api_key_required,
    asave_upload,
    broadcast,
    event_stream,
    json_errors,
    last_event_id,
    limit_uploads,
    log_requests,
    serve_file,
    subscribe,
    throttle,
)


# region: first
@mcp.custom_route("/questions/search", public=True)
@log_requests
@json_errors
@throttle("50/m", key="address")
def search(request: HttpRequest) -> list[str]:
    text = request.GET.get("q", "")
    if len(text) < 2:
        raise Problem(400, "Ask for more.", errors=[{"field": "q", "detail": "Two letters at least."}])
    return list(Question.objects.filter(question_text__icontains=text).values_list("question_text", flat=True)[:50])


# endregion
# region: plain
@json_errors
async def question(request: HttpRequest, pk: int) -> HttpResponse:
    found = await Question.objects.aget(pk=pk)  # without one, 404
    return JsonResponse({"text": found.question_text})


urlpatterns = [path("plain/questions/<int:pk>/", question)]


# endregion
# region: webhook
github = Webhook("github", GITHUB, secrets=lambda: os.environ["GITHUB_SECRETS"].split(","))


@github.on("issues")
def ask(event: WebhookEvent) -> None:
    if event.data["action"] == "opened":
        Question.objects.get_or_create(
            question_text=event.data["issue"]["title"][:200],  # it may be sent again
            defaults={"pub_date": timezone.now()},
        )


urlpatterns += [path("hooks/github/", github.view)]


# endregion
# region: api-key
@api_key_required(scopes=["mcp"])
def report(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"for": request.user.get_username(), "questions": Question.objects.count()})


urlpatterns += [path("report/", report)]


# endregion
# region: upload
@mcp.custom_route("/pictures", methods=["POST"], public=True)
@json_errors
@limit_uploads(5_000_000, max_files=3)
async def keep_pictures(request: HttpRequest) -> dict[str, Any]:
    files = request.FILES.getlist("file")
    return {"kept": [await asave_upload(file, folder="pictures", extensions=["png", "jpg"]) for file in files]}


# endregion
# region: download
@mcp.custom_route("/pictures/{name:path}", public=True)
def picture(request: HttpRequest, name: str) -> HttpResponseBase:
    return serve_file(request, f"pictures/{name}")


# endregion
# region: events
@mcp.custom_route("/news", public=True)
async def news(request: HttpRequest) -> HttpResponseBase:
    return event_stream(request, since(last_event_id(request)))


async def since(seen: str) -> AsyncIterator[ServerSentEvent]:
    last = int(seen) if seen.isdecimal() else 0
    async with subscribe("news") as events:  # first, so that nothing is missed between the two
        async for known in Question.objects.filter(pk__gt=last).order_by("pk"):
            last = known.pk
            yield ServerSentEvent(data=known.question_text, id=str(last))
        async for event in events:
            if int(event.id) > last:  # it may have been told of and read
                yield event


# endregion
# region: broadcast
@mcp.custom_route("/questions", methods=["POST"], permissions=["polls.add_question"])
def add_question(request: HttpRequest) -> dict[str, int]:
    added = Question.objects.create(question_text=request.POST["text"], pub_date=timezone.now())
    broadcast("news", added.question_text, id=str(added.pk))
    return {"id": added.pk}


# endregion
# region: oauth
calendar = OAuthLogin(
    name="calendar",
    authorize_url="https://calendar.example/authorize",
    token_url="https://calendar.example/token",
    client_id="polls",
    client_secret=os.environ.get("CALENDAR_SECRET", ""),
    scope=("events:read",),
    issuer="https://calendar.example",
)


def connect(request: HttpRequest) -> HttpResponseRedirect:
    return calendar.begin(request, request.build_absolute_uri(reverse("calendar-callback")))


def connected(request: HttpRequest) -> HttpResponseRedirect:
    answer = calendar.finish(request)
    request.session["calendar"] = answer["access_token"]  # on the server, where no URL shows it
    return HttpResponseRedirect("/")


urlpatterns += [
    path("calendar/connect/", connect),
    path("calendar/callback/", connected, name="calendar-callback"),
]
# endregion
