"""Routes that are declared together and registered later."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from mcp_django import Blueprint, MCPServer
from mcp_django.exceptions import AlreadyRegistered, InvalidDeclaration
from mcp_django.registry import RouteDeclaration


def view(request: Any) -> None: ...


def routes(server: MCPServer) -> list[Any]:
    return list(server.declarations("route"))


def test_a_nested_blueprint_keeps_every_option(server: MCPServer) -> None:
    options: Any = {
        "methods": ["POST"],
        "name": "create",
        "include_in_schema": False,
        "title": "Create",
        "description": "A user.",
        "tags": ["users"],
        "body": dict,
        "query": list,
        "max_body_bytes": 10,
        "starlette": True,
        "scopes": ["write"],
        "permissions": ["auth.add_user"],
        "groups": ["editors"],
        "staff": True,
        "check": bool,
        "throttle": "5/m",
    }
    outer, inner = Blueprint("/api"), Blueprint("/v1")
    inner.route("/users", **options)(view)
    inner.register(outer)
    outer.register(server)
    server.custom_route("/api/v1/others", **options)(view)
    nested, direct = routes(server)
    assert nested.path == "/api/v1/users"
    for field in fields(RouteDeclaration):
        if field.name not in ("path",):
            assert getattr(nested, field.name) == getattr(direct, field.name), field.name


def test_what_a_blueprint_asks_its_routes_ask_unless_they_say_otherwise(server: MCPServer) -> None:
    staff = Blueprint("/staff", staff=True, throttle="5/m")
    staff.add_route("/page", view)
    staff.add_route("/open", view, public=True)
    staff.add_route("/twice", view, staff=False, throttle="1/m")
    open_to_all = Blueprint("", public=True)
    open_to_all.add_route("/a", view)
    open_to_all.add_route("/b", view, scopes="read")
    staff.register(server)
    open_to_all.register(server)
    found = [(each.path, each.staff, each.public, each.throttle and each.throttle.limit) for each in routes(server)]
    assert found == [
        ("/staff/page", True, None, 5),
        ("/staff/open", None, True, 5),
        ("/staff/twice", False, None, 1),
        ("/a", None, True, None),
        ("/b", None, None, None),
    ]


def test_a_blueprint_may_be_registered_on_several_servers_and_once_on_each(server: MCPServer) -> None:
    api = Blueprint("/api")
    api.add_route("/x", view)
    api.register(server)
    api.register(MCPServer("other"))
    with pytest.raises(AlreadyRegistered, match="route 'GET /api/x'"):
        api.register(server)


def test_a_route_that_comes_after_the_registration_is_refused(server: MCPServer) -> None:
    api = Blueprint("/api")
    api.register(server)
    with pytest.raises(InvalidDeclaration, match=r"<Blueprint '/api'> has been registered on <MCPServer 'fixture'"):
        api.add_route("/x", view)


@pytest.mark.parametrize("prefix", ["api", "/api/", "/"])
def test_a_prefix_begins_with_a_slash_and_ends_in_none(prefix: str) -> None:
    with pytest.raises(InvalidDeclaration, match="begins with a slash and ends in none"):
        Blueprint(prefix)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"methods": []}, "methods must be"),
        ({"methods": ["GET POST"]}, "methods must be"),
        ({"max_body_bytes": 0}, "max_body_bytes must be"),
        ({"name": "a:b"}, "can't be the name of a route"),
        ({"scope": "a"}, "takes no 'scope'"),
        ({"public": True, "scopes": "a"}, "is public"),
    ],
)
def test_an_option_that_has_no_meaning_is_refused(server: MCPServer, options: Any, message: str) -> None:
    with pytest.raises(InvalidDeclaration, match=message):
        server.custom_route("/x", **options)


def test_a_declaration_says_where_it_is(server: MCPServer) -> None:
    server.custom_route("/x", methods="post")(view)
    (declaration,) = routes(server)
    assert (declaration.methods, declaration.app, declaration.module) == (("POST",), "", __name__)
    assert declaration.line == view.__code__.co_firstlineno
    server.custom_route("/y")(print)
    assert routes(server)[1].line is None
