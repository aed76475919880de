"""One generator for sync and async views."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View

from mcp_django.routes.steps import VIEW, Steps, around
from tests.routes.conftest import Site


def headed(request: Any) -> Steps:
    response = yield VIEW
    response["X-Path"] = request.path
    return response


def test_a_view_stays_what_it_is(site: Site) -> None:
    view = csrf_exempt(site.view())
    wrapped = around(view, headed)
    assert iscoroutinefunction(wrapped) == (site.kind == "async")
    assert wrapped.__name__ == view.__name__
    assert wrapped.csrf_exempt is True  # type: ignore[attr-defined]
    site.add(wrapped, "polls/<int:pk>/")
    assert site.send(url="/polls/7/").status_code == 500  # the view takes no pk: its error went through
    site.add(around(site.view(lambda request, pk: HttpResponse(pk)), headed), "other/<int:pk>/")
    response = site.send(url="/other/7/")
    assert (response.content, response["X-Path"]) == (b"7", "/other/7/")


def test_what_a_view_raises_is_raised_into_the_steps(site: Site) -> None:
    def steps(request: Any) -> Steps:
        try:
            return (yield VIEW)
        except ZeroDivisionError as error:
            return HttpResponse(str(error))

    site.add(around(site.view(lambda request: 1 / 0), steps))
    assert site.send().content == b"division by zero"


def test_steps_may_answer_themselves(site: Site) -> None:
    def steps(request: Any) -> Steps:
        return HttpResponse("no", status=403)
        yield VIEW

    site.add(around(site.view(lambda request: 1 / 0), steps))
    assert site.send().status_code == 403


def test_work_that_blocks_runs_on_no_event_loop(site: Site) -> None:
    def work() -> str:
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        return threading.current_thread().name

    def steps(request: Any) -> Steps:
        name = yield work
        response = yield VIEW
        response["X-Thread"] = name
        return response

    site.add(around(site.view(), steps))
    response = site.send()
    assert (response.status_code, bool(response["X-Thread"])) == (200, True)


def test_what_such_work_raises_is_raised_into_the_steps(site: Site) -> None:
    def steps(request: Any) -> Steps:
        try:
            yield lambda: 1 / 0
        except ZeroDivisionError:
            return HttpResponse("caught")

    site.add(around(site.view(), steps))
    assert site.send().content == b"caught"


def test_a_class_based_view_is_wrapped_as_django_s_own_decorators_do(rf: RequestFactory) -> None:
    @method_decorator(lambda view: around(view, headed), name="dispatch")
    class Polls(View):
        def get(self, request: Any) -> HttpResponse:
            return HttpResponse("polls")

    response = Polls.as_view()(rf.get("/polls/"))
    assert response["X-Path"] == "/polls/"


@pytest.mark.anyio
async def test_an_async_class_based_view_is_wrapped_as_a_view(rf: RequestFactory) -> None:
    class Polls(View):
        async def get(self, request: Any) -> HttpResponse:
            return HttpResponse("polls")

    response = await around(Polls.as_view(), headed)(rf.get("/polls/"))
    assert response["X-Path"] == "/polls/"


@pytest.mark.anyio
async def test_the_steps_see_that_the_client_has_left(rf: RequestFactory) -> None:
    seen, entered = [], asyncio.Event()

    async def view(request: Any) -> HttpResponse:
        entered.set()
        await asyncio.get_running_loop().create_future()
        return HttpResponse()

    def steps(request: Any) -> Steps:
        try:
            return (yield VIEW)
        except asyncio.CancelledError:
            seen.append("left")
            raise

    task = asyncio.create_task(around(view, steps)(rf.get("/")))
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["left"]
