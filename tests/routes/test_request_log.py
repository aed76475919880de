"""One line for each request, with nothing in it that may be secret."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from django.http import Http404, HttpResponse
from django.test import RequestFactory, override_settings

from mcp_django.routes import json_errors, log_requests, request_id
from tests.routes.conftest import Site


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """The records of the log, as they come."""
    caplog.set_level(logging.INFO, "mcp_django.routes")

    class Ours(list[logging.LogRecord]):
        def __iter__(self) -> Any:
            return (record for record in caplog.records if record.name == "mcp_django.routes")

    return Ours()


def fail(request: Any) -> HttpResponse:
    raise RuntimeError("t0ken in a message")


def miss(request: Any) -> HttpResponse:
    raise Http404


def test_a_line_says_what_was_asked_and_what_came_of_it(site: Site, lines: Any) -> None:
    site.add(log_requests(site.view(lambda request, pk: HttpResponse(status=201))), "polls/<int:pk>/")
    response = site.send("POST", "/polls/7/?token=s3cret", b"s3cret", headers={"authorization": "Bearer s3cret"})
    (line,) = lines
    assert (line.method, line.route, line.status, line.levelno) == ("POST", "polls/<int:pk>/", 201, logging.INFO)
    assert line.milliseconds >= 0
    assert line.request_id == response["X-Request-ID"]
    assert line.getMessage().startswith("POST polls/<int:pk>/ 201 in ")
    assert "s3cret" not in str(vars(line))


def test_what_a_view_raises_has_the_status_that_it_will_get(site: Site, lines: Any) -> None:
    site.add(log_requests(site.view(miss)), "miss/")
    site.add(log_requests(site.view(fail)), "fail/")
    assert [site.send(url=url).status_code for url in ("/miss/", "/fail/")] == [404, 500]
    assert [(line.status, line.levelno) for line in lines] == [(404, logging.INFO), (500, logging.ERROR)]
    assert "t0ken" not in str([vars(line) for line in lines])


def test_a_problem_and_its_line_have_the_same_id(site: Site, lines: Any) -> None:
    site.add(log_requests(json_errors(site.view(miss))))
    body = site.send().json()
    assert [line.request_id for line in lines] == [body["request_id"]]


def test_as_middleware_it_logs_every_view_and_what_is_no_view(site: Site, lines: Any) -> None:
    site.add(site.view(lambda request: HttpResponse(request_id(request))))
    with override_settings(MIDDLEWARE=["mcp_django.routes.log_requests"]):
        response = site.send(url="/view/?q=s3cret")
        assert site.send(url="/s3cret/").status_code == 404
    assert [(line.route, line.status) for line in lines] == [("view/", 200), ("no route", 404)]
    assert response.content.decode() == response["X-Request-ID"]
    assert "s3cret" not in str([line.getMessage() for line in lines])


def test_what_a_handler_returns_that_becomes_a_response_later_counts_as_done(lines: Any, rf: RequestFactory) -> None:
    assert log_requests(lambda request: {"status": "ok"})(rf.get("/")) == {"status": "ok"}
    assert [line.status for line in lines] == [200]


@pytest.mark.anyio
async def test_a_client_that_left_is_seen(lines: Any, rf: RequestFactory) -> None:
    entered = asyncio.Event()

    @log_requests
    async def view(request: Any) -> HttpResponse:
        entered.set()
        await asyncio.get_running_loop().create_future()
        return HttpResponse()

    task = asyncio.create_task(view(rf.get("/")))
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [line.status for line in lines] == [499]
