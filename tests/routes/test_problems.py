"""What a client reads when a view fails."""

from __future__ import annotations

import json
import logging
import sys
from http import HTTPStatus
from typing import Any

import pytest
from django.core.exceptions import (
    BadRequest,
    ObjectDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousFileOperation,
    ValidationError,
)
from django.core.signals import got_request_exception
from django.http import Http404, HttpResponse
from django.http.multipartparser import MultiPartParserError
from mcp.server.mcpserver.exceptions import ToolError as SDKToolError
from pydantic import BaseModel, field_validator
from starlette.exceptions import HTTPException

from mcp_django import ToolError
from mcp_django.routes import Problem, json_errors
from tests.routes.conftest import Site


class Person(BaseModel):
    name: str
    ages: list[int]

    @field_validator("name")
    @classmethod
    def _long_enough(cls, name: str) -> str:
        if len(name) < 2:
            raise ValueError("too short")
        return name


def raising(error: Exception) -> Any:
    def view(request: Any) -> HttpResponse:
        raise error

    return view


def problem(site: Site, fn: Any, **options: Any) -> dict[str, Any]:
    """Return what the client of a view reads, without the request's id."""
    site.add(json_errors(site.view(fn)))
    response = site.send("POST", **options)
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = json.loads(response.content)
    assert body["status"] == response.status_code
    assert len(body.pop("request_id")) == 32
    assert body.pop("type") == "about:blank"
    return body


KNOWN = [
    (Http404("No Poll matches."), 404, "Not Found", "No Poll matches."),
    (Http404(), 404, "Not Found", "There is no such object."),
    (Http404({"tried": ["admin/"]}), 404, "Not Found", "There is no such object."),
    (ObjectDoesNotExist("Poll does not exist."), 404, "Not Found", "Poll does not exist."),
    (PermissionDenied("Not yours."), 403, "Forbidden", "Not yours."),
    (PermissionDenied(), 403, "Forbidden", "You may not do this."),
    (BadRequest("What?"), 400, "Bad Request", "What?"),
    (ToolError("No such choice."), 400, "Bad Request", "No such choice."),
    (SDKToolError("No such choice."), 400, "Bad Request", "No such choice."),
    (ValidationError("Too late."), 400, "Bad Request", "Too late."),
    (RequestDataTooBig("secret"), 413, HTTPStatus(413).phrase, "The body is too large."),
    (Problem(409, "Taken."), 409, "Conflict", "Taken."),
    (HTTPException(418, "Short and stout"), 418, "I'm a Teapot", "Short and stout"),
]


@pytest.mark.parametrize(("error", "status", "title", "detail"), KNOWN, ids=lambda each: repr(each)[:40])
def test_what_an_author_meant_a_client_to_read_is_read(
    site: Site, error: Exception, status: int, title: str, detail: str
) -> None:
    assert problem(site, raising(error)) == {"status": status, "title": title, "detail": detail}


def test_a_form_s_errors_name_its_fields(site: Site) -> None:
    error = ValidationError({"name": ["Too short.", "Taken."], "__all__": ["Too many."]})
    assert problem(site, raising(error))["errors"] == [
        {"field": "name", "detail": "Too short."},
        {"field": "name", "detail": "Taken."},
        {"field": "", "detail": "Too many."},
    ]


def test_a_model_s_errors_name_its_fields_and_not_the_values(site: Site) -> None:
    body = problem(site, lambda request: Person(name="x", ages=[1, "s3cret"]))  # type: ignore[list-item]
    assert [each["field"] for each in body["errors"]] == ["name", "ages.1"]
    assert body["errors"][0]["detail"] == "Value error, too short"
    assert "s3cret" not in json.dumps(body)


def test_a_body_that_is_no_json_is_the_client_s_mistake(site: Site) -> None:
    body = problem(site, lambda request: json.loads(request.body), body=b'{"name": }', kind="application/json")
    assert body["status"] == 400
    assert body["detail"] == "The body is not JSON: Expecting value at line 1, column 10."


def test_other_text_that_is_no_json_is_the_server_s(site: Site, caplog: Any) -> None:
    def view(request: Any) -> Any:
        assert request.body == b"{}"
        return json.loads("<html>of another server")

    assert problem(site, view, body=b"{}", kind="application/json")["status"] == 500


def test_headers_and_the_type_of_a_problem_reach_the_client(site: Site) -> None:
    error = Problem(503, "Later.", headers={"Retry-After": "7"}, type="https://example.com/later")
    site.add(json_errors(site.view(raising(error))))
    response = site.send()
    assert (response.status_code, response["Retry-After"]) == (503, "7")
    assert json.loads(response.content)["type"] == "https://example.com/later"


def test_a_crash_is_one_neutral_sentence_and_a_traceback_where_django_writes_it(site: Site, caplog: Any) -> None:
    told: list[Any] = []
    got_request_exception.connect(receiver := lambda request, **kwargs: told.append((request.path, sys.exc_info()[1])))
    try:
        body = problem(site, raising(RuntimeError("password=hunter2")))
    finally:
        got_request_exception.disconnect(receiver)
    assert body["detail"] == "The server failed unexpectedly. The error was logged."
    assert "hunter2" not in json.dumps(body)
    (record,) = [each for each in caplog.records if each.name == "django.request"]
    assert (record.getMessage(), record.levelno) == ("Internal Server Error: /view/", logging.ERROR)
    assert "hunter2" in str(record.exc_info[1])
    ((path, error),) = told  # as error trackers expect
    assert (path, str(error)) == ("/view/", "password=hunter2")


def test_what_is_suspicious_is_told_to_the_log_alone(site: Site, caplog: Any) -> None:
    body = problem(site, raising(SuspiciousFileOperation("outside of /srv/media %s\n")))
    assert body == {"status": 400, "title": "Bad Request"}
    (record,) = [each for each in caplog.records if each.name.startswith("django.security")]
    assert record.name == "django.security.SuspiciousFileOperation"
    assert "outside of /srv/media %s\\n" in record.getMessage()


def test_a_broken_form_is_the_client_s_mistake(site: Site) -> None:
    assert problem(site, raising(MultiPartParserError("Invalid boundary")))["status"] == 400


def test_what_goes_well_is_left_alone(site: Site) -> None:
    site.add(json_errors(site.view()))
    assert site.send().content == b"ok"


def test_the_client_s_id_of_the_request_comes_back_if_it_is_harmless(site: Site) -> None:
    site.add(json_errors(site.view(raising(Http404()))))
    for given, kept in (("from-the-proxy.1", True), ("x" * 65, False), ("short", False), ("two words and", False)):
        body = json.loads(site.send(headers={"x-request-id": given}).content)
        assert (body["request_id"] == given) is kept
