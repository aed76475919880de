"""Paths in Django's spelling and in Starlette's."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import resolve, reverse

from mcp_django import MCPServer
from mcp_django.exceptions import AlreadyRegistered, InvalidDeclaration
from mcp_django.routes.paths import django_path, parameters_of, shape_of
from tests.views import in_the_urlconf


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("/", ""),
        ("/health", "health"),
        ("/users/{pk}", "users/<str:pk>"),
        ("/users/{pk:int}/", "users/<int:pk>/"),
        ("/users/<int:pk>", "users/<int:pk>"),
        ("/users/<pk>", "users/<str:pk>"),
        ("/{a:uuid}/<slug:b>/{c:path}", "<uuid:a>/<slug:b>/<path:c>"),
        ("/{x:float}", "<mcp_django_float:x>"),
    ],
)
def test_both_spellings_become_django_s(given: str, path: str) -> None:
    assert django_path(given) == path


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("/{pk", "'{' is alone"),
        ("/pk>", "'>' is alone"),
        ("/{pk:integer}", "no converter 'integer'"),
        ("/<no:pk>", "no converter 'no'"),
        ("/{pk}/<pk>", "'pk' comes twice"),
        ("/{1}", "'1' is no name"),
        ("/a b", "white space"),
        ("/a?b=c", "'\\?'"),
    ],
)
def test_a_path_that_none_can_be_is_refused(given: str, message: str) -> None:
    with pytest.raises(InvalidDeclaration, match=message):
        django_path(given)


def test_the_parameters_and_the_shape_of_a_path() -> None:
    assert parameters_of("users/<int:pk>/<str:b>") == {"pk": "int", "b": "str"}
    assert shape_of("users/<int:pk>/<str:b>") == shape_of("users/<int:id>/<c>") == "users/<int>/<str>"


def test_numbers_with_a_fraction_are_taken_and_written(server: MCPServer, no_demo: None) -> None:
    server.custom_route("/at/{latitude:float}", name="at")(lambda request, latitude: latitude)
    with in_the_urlconf():
        assert resolve("/at/51.5").kwargs == {"latitude": 51.5}
        assert reverse("mcp:at", args=[51.5]) == "/at/51.5"


def declared_in(module: str, server: MCPServer, path: str, **options: Any) -> None:
    def fn(request: Any) -> None: ...

    fn.__module__ = module
    server.custom_route(path, **options)(fn)


def test_two_routes_that_want_the_same_requests_are_an_error_that_names_both_modules(
    server: MCPServer, no_demo: None
) -> None:
    declared_in("polls.mcp", server, "/x/{a}", methods=["GET", "POST"])
    declared_in("shop.mcp", MCPServer("other"), "/x/<str:a>", methods=["POST"])
    with (
        pytest.raises(AlreadyRegistered, match=r"POST /x/<str:a> is declared in polls.mcp .* and again in shop.mcp"),
        in_the_urlconf(),
    ):
        resolve("/x/1")


def test_two_routes_that_match_the_same_must_name_their_parameters_alike(server: MCPServer, no_demo: None) -> None:
    declared_in("polls.mcp", server, "/x/{a}")
    declared_in("shop.mcp", server, "/x/{b}", methods=["POST"])
    with pytest.raises(InvalidDeclaration, match="name their parameters alike"), in_the_urlconf():
        resolve("/x/1")


def test_the_routes_of_a_further_server_are_where_they_say(no_demo: None) -> None:
    MCPServer("reports").custom_route("/monthly", name="monthly")(lambda request: "ok")
    with in_the_urlconf():
        assert reverse("mcp:monthly") == "/monthly"
