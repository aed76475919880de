"""What the function of a route may take."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest
from django.http import HttpRequest
from starlette.requests import HTTPConnection, Request

from mcp_django.exceptions import InvalidDeclaration
from mcp_django.registry import RouteDeclaration
from mcp_django.routes.handlers import Handler, handler_of

if TYPE_CHECKING:
    from starlette import requests


def handler(fn: Any, *path: str, **options: Any) -> Handler:
    return handler_of(RouteDeclaration(fn=fn, path="/x", **options), path)


class Views:
    def method(self, request: HttpRequest, pk: int) -> None: ...

    def __call__(self, request: Request) -> None: ...


def decorated(fn: Any) -> Any:
    @functools.wraps(fn)
    async def wrapper(request: Any) -> Any:
        return await fn(request)

    return wrapper


def passing(fn: Any) -> Any:
    @functools.wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)

    return wrapper


@pytest.mark.parametrize(
    ("fn", "takes_request", "starlette", "keywords"),
    [
        (lambda: None, False, False, set()),
        (lambda r: None, True, False, set()),
        (lambda pk: None, False, False, {"pk"}),
        (lambda request, pk: None, True, False, {"pk"}),
        (lambda request, **values: None, True, False, {"pk"}),
        (lambda *args, **kwargs: None, True, False, {"pk"}),
        (lambda request, other=1: None, True, False, set()),
        (Views().method, True, False, {"pk"}),
        (Views(), True, True, set()),
        (functools.partial(lambda a, request: None, 1), True, False, set()),
    ],
)
def test_the_request_comes_first_and_the_rest_by_name(
    fn: Any, takes_request: bool, starlette: bool, keywords: set[str]
) -> None:
    found = handler(fn, "pk")
    assert (found.takes_request, found.starlette, found.keywords) == (takes_request, starlette, keywords)


def test_which_request_is_told_by_the_annotation() -> None:
    def django(r: HttpRequest) -> None: ...
    def starlette(r: Request) -> None: ...
    def connection(r: HTTPConnection) -> None: ...
    def late(r: requests.Request) -> None: ...
    def bare(request): ...  # type: ignore[no-untyped-def]

    assert [handler(fn).starlette for fn in (django, starlette, connection, late, bare)] == [
        False,
        True,
        True,
        True,
        False,
    ]
    assert handler(late).takes_request
    assert handler(bare, starlette=True).starlette
    assert not handler(django, starlette=True).starlette


def test_a_decorator_that_takes_only_the_request_is_given_only_that() -> None:
    @decorated
    async def view(request: Request, pk: int = 0) -> None: ...

    @passing
    def passed(request: HttpRequest, pk: int) -> None: ...

    assert handler(view, "pk").keywords == set()
    assert handler(view, "pk").starlette
    assert handler(view, "pk").in_place
    assert handler(passed, "pk").keywords == {"pk"}
    assert not handler(passed, "pk").in_place


@pytest.mark.parametrize(
    "fn", [lambda request, other: None, lambda request, *, other: None, lambda request, other, /: None, Views.method]
)
def test_what_nothing_fills_is_refused(fn: Any) -> None:
    with pytest.raises(InvalidDeclaration, match=r"nothing fills the parameter '(other|pk|request)'"):
        handler(fn)


def test_what_is_no_function_and_a_name_that_is_used_twice_are_refused() -> None:
    with pytest.raises(InvalidDeclaration, match="must be a function"):
        handler("fn")
    with pytest.raises(InvalidDeclaration, match="'body' is a parameter of the path already"):
        handler(lambda request, body: None, "body", body=dict)
