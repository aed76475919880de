"""docs/how-to/custom-routes.md."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.auth.tokens import make_token, make_user
from tests.docs.conftest import Load
from tests.views import in_the_urlconf

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _example(load: Load, limited: Any) -> Iterator[None]:
    load("docs.examples.custom_routes")
    limited(AUTH="required")
    with in_the_urlconf():
        yield


def bearer(scope: str, **fields: Any) -> dict[str, str]:
    user = make_user(scope.replace(":", "-") + str(fields), **fields)
    return {"Authorization": f"Bearer {make_token(user, scope, resource=['http://testserver/mcp'])}"}


def test_a_route_is_a_url_of_django_s(client: Client, question: Any) -> None:
    assert client.get(reverse("mcp:health")).json() == {"status": "ok"}
    found = client.get(reverse("mcp:question", args=[question.pk])).json()
    assert found["text"] == question.question_text
    assert client.delete("/health")["Allow"] == "GET, HEAD, OPTIONS"


def test_body_and_query_are_read(client: Client, question: Any) -> None:
    path = f"/questions/{question.pk}/choices"

    def post(body: Any, headers: Any) -> Any:
        return client.post(path, json.dumps(body), content_type="application/json", headers=headers)

    assert post({"text": "new"}, {}).status_code == 401
    assert post({"text": "new"}, bearer("polls:read")).status_code == 403
    writer = bearer("polls:write")
    assert post({"text": "new"}, writer).json() == {"text": "new"}
    assert [each["field"] for each in post({"text": ""}, writer).json()["errors"]] == ["text"]
    assert client.get("/questions?limit=1").json() == [question.question_text]
    assert client.get("/questions?limit=0").status_code == 400


def test_a_generator_is_streamed(client: Client, question: Any) -> None:
    response = client.get("/export", headers=bearer("polls:read"))
    assert response.streaming
    assert len(b"".join(response).splitlines()) == question.choices.count()  # type: ignore[arg-type]


def test_starlette_s_request_and_response_work(client: Client) -> None:
    response = client.post("/echo/hello", '{"a": 1}', content_type="application/json")
    assert (response.status_code, response.json()) == (201, {"word": "hello", "body": {"a": 1}})


def test_a_blueprint_asks_for_its_routes(client: Client, question: Any) -> None:
    assert client.get("/api/v1/me").status_code == 401
    assert client.get("/api/v1/me", headers=bearer("mcp")).status_code == 200
    assert client.get("/api/v1/staff/count", headers=bearer("mcp")).status_code == 403
    counted = client.get("/api/v1/staff/count", headers=bearer("mcp", is_staff=True))
    assert counted.json() == {"questions": 1}
