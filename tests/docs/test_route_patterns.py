"""docs/how-to/route-patterns.md."""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient, Client, override_settings
from django.utils import timezone

from mcp_django import urls
from mcp_django.auth import create_key, limits
from mcp_django.routes import broadcast
from mcp_django.sessions.hub import close_hub
from tests.auth.tokens import make_token, make_user
from tests.docs.conftest import Load
from tests.routes.wire import visit

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def example(load: Load, limited: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The example, with its routes and its plain views in the URLconf."""
    cache.clear()
    monkeypatch.setattr(limits, "time", lambda: 1_800_000_000.0)  # no minute ends meanwhile
    monkeypatch.setenv("GITHUB_SECRETS", "new,old")
    example = load("docs.examples.route_patterns")
    limited(AUTH="required")
    project = ModuleType("project")
    vars(project)["urlpatterns"] = [*example.urlpatterns, *urls.get_urlpatterns()]
    with override_settings(ROOT_URLCONF=project):
        yield example


def test_a_route_is_logged_throttled_and_says_what_is_wrong(client: Client, question: Any, caplog: Any) -> None:
    caplog.set_level(logging.INFO, "mcp_django.routes")
    assert client.get("/questions/search?q=new").json() == [question.question_text]
    wrong = client.get("/questions/search?q=n")
    assert (wrong.status_code, wrong["Content-Type"]) == (400, "application/problem+json")
    assert wrong.json()["errors"] == [{"field": "q", "detail": "Two letters at least."}]
    codes = [client.get("/questions/search?q=new").status_code for _ in range(49)]
    assert codes == [200] * 48 + [429]
    assert {(each.route, each.status) for each in caplog.records if each.name == "mcp_django.routes"} == {
        ("questions/search", status) for status in (200, 400, 429)
    }


def test_a_plain_async_view_has_the_same_errors(client: Client, question: Any) -> None:
    assert client.get(f"/plain/questions/{question.pk}/").json() == {"text": question.question_text}
    missing = client.get("/plain/questions/999/")
    assert (missing.status_code, missing["Content-Type"]) == (404, "application/problem+json")


def test_github_s_events_are_taken(client: Client, polls: Any) -> None:
    body = json.dumps({"action": "opened", "issue": {"title": "Is it safe?"}}).encode()

    def send(secret: str) -> Any:
        digest = hmac.new(secret.encode(), body, "sha256").hexdigest()
        headers = {"X-Hub-Signature-256": f"sha256={digest}", "X-GitHub-Event": "issues"}
        return client.generic("POST", "/hooks/github/", body, "application/json", headers=headers)

    assert send("another").status_code == 401
    assert not polls.Question.objects.exists()
    assert [send(secret).json() for secret in ("old", "new")] == [{"handled": True}] * 2
    assert [each.question_text for each in polls.Question.objects.all()] == ["Is it safe?"]


def test_a_report_takes_an_api_key(client: Client, question: Any) -> None:
    key = create_key("report", make_user("ada"), ["mcp"])
    assert client.get("/report/", headers={"x-api-key": key}).json() == {"for": "ada", "questions": 1}
    assert client.get("/report/").status_code == 401


def test_pictures_are_kept_and_given_back(client: Client, tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    sent = SimpleUploadedFile("../../holiday.png", b"picture")
    kept = client.post("/pictures", {"file": [sent]})
    assert kept.json() == {"kept": ["pictures/holiday.png"]}
    assert client.post("/pictures", {"file": SimpleUploadedFile("x.exe", b"MZ")}).status_code == 400
    part = client.get("/pictures/holiday.png", headers={"range": "bytes=-3"})
    assert (part.status_code, b"".join(part)) == (206, b"ure")  # type: ignore[arg-type]
    part.close()
    assert client.get("/pictures/%2e%2e/%2e%2e/secret").status_code == 404


@pytest.mark.anyio
async def test_news_begin_where_the_client_was_and_go_on_with_what_is_told(polls: Any) -> None:
    old = await polls.Question.objects.acreate(question_text="Old?", pub_date=timezone.now())
    missed = await polls.Question.objects.acreate(question_text="Missed?", pub_date=timezone.now())
    async with visit("/news", **{"last-event-id": str(old.pk)}) as stream:
        assert (await stream.message())["status"] == 200
        read = f"id: {missed.pk}\ndata: Missed?\n\n".encode()
        assert [await stream.body() for _ in range(2)] == [b":\n\n", read]
        broadcast("news", missed.question_text, id=str(missed.pk))  # which has been read
        broadcast("news", "New?", id=str(missed.pk + 1))
        assert await stream.body() == f"id: {missed.pk + 1}\ndata: New?\n\n".encode()
    await close_hub()


@pytest.mark.anyio
async def test_who_may_adds_a_question_and_all_who_listen_are_told(polls: Any) -> None:
    def token() -> str:
        ada, kind = make_user("ada"), ContentType.objects.get_for_model(polls.Question)
        ada.user_permissions.add(Permission.objects.get_or_create(codename="add_question", content_type=kind)[0])
        return make_token(ada, "mcp", resource=["http://testserver/mcp"])

    bearer = {"authorization": f"Bearer {await sync_to_async(token)()}"}
    async with visit("/news") as stream:
        await stream.message()
        await stream.body()
        answer = await AsyncClient().post("/questions", {"text": "Who?"}, headers=bearer)
        assert await stream.body() == f"id: {answer.json()['id']}\ndata: Who?\n\n".encode()
    await close_hub()


def test_a_calendar_is_connected_by_who_began_it(client: Client, example: ModuleType, monkeypatch: Any) -> None:
    def exchange(url: str, body: str, headers: Any) -> str:
        return '{"access_token": "s3cret", "token_type": "Bearer"}'

    monkeypatch.setattr(example, "calendar", replace(example.calendar, exchange=exchange))
    asked = parse_qs(urlsplit(client.get("/calendar/connect/")["Location"]).query)
    assert asked["redirect_uri"] == ["http://testserver/calendar/callback/"]
    answer = {"code": "c0de", "state": asked["state"][0], "iss": "https://calendar.example"}
    assert Client().get("/calendar/callback/", answer).status_code == 403  # who began nothing
    done = client.get("/calendar/callback/", answer)
    assert (done.status_code, done["Location"]) == (302, "/")
    assert client.session["calendar"] == "s3cret"


def test_the_log_is_middleware_as_well(client: Client, question: Any, caplog: Any, settings: Any) -> None:
    settings.MIDDLEWARE = ["mcp_django.routes.log_requests", *settings.MIDDLEWARE]
    caplog.set_level(logging.INFO, "mcp_django.routes")
    client.get(f"/plain/questions/{question.pk}/")
    (line,) = [each for each in caplog.records if each.name == "mcp_django.routes"]
    assert line.getMessage().startswith("GET plain/questions/<int:pk>/ 200 in ")
