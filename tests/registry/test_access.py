"""What a declaration asks of callers, and what its server does for it."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from mcp_django import MCPServer
from mcp_django.exceptions import InvalidDeclaration
from mcp_django.registry import Access, Rate, access_of


def check(principal: Any) -> bool:
    return True


def declared(server: MCPServer, **options: Any) -> Access:
    server.add_tool(lambda: "", name="tool", **options)
    (declaration,) = server.declarations("tool")
    return access_of(declaration, server)


def test_nothing_is_asked_unless_it_is_said(server: MCPServer) -> None:
    access = declared(server)
    assert access == Access()
    assert not access.restricted


def test_what_is_said_is_kept_as_it_can_not_change(server: MCPServer) -> None:
    access = declared(
        server,
        scopes=["a", "b", "a"],
        permissions={"polls.add_vote"},
        groups="editors",
        staff=True,
        check=check,
        throttle="50/m",
    )
    assert access == Access(
        scopes=("a", "b"),
        permissions=("polls.add_vote",),
        groups=("editors",),
        staff=True,
        check=check,
        throttle=Rate(50, 60),
    )
    with pytest.raises(FrozenInstanceError):
        access.staff = False  # type: ignore[misc]


def test_all_kinds_take_the_same_options(server: MCPServer) -> None:
    server.add_prompt(lambda: "", name="prompt", scopes="a")
    server.add_resource("test://x", lambda: "", name="resource", scopes="a")
    server.custom_route("/x", scopes="a", throttle="1/s")(lambda request: None)
    for kind in ("prompt", "resource", "route"):
        (declaration,) = server.declarations(kind)  # type: ignore[arg-type]
        assert declaration.scopes == ("a",)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"scopes": "a b"}, "'tool': scopes: 'a b' can't be a scope, such as 'polls:vote'."),
        ({"scopes": [1]}, "'tool': scopes: 1 can't be a scope, such as 'polls:vote'."),
        ({"scopes": 1}, "'tool': scopes must be a list of strings, not 1."),
        ({"scopes": b"a"}, "'tool': scopes must be a list of strings, not b'a'."),
        ({"permissions": ["vote"]}, "'tool': permissions: 'vote' can't be a permission, such as 'polls.add_vote'."),
        ({"groups": [""]}, "'tool': groups: '' can't be the name of a group."),
        ({"staff": "yes"}, "'tool': staff must be True or False, not 'yes'."),
        ({"public": 2}, "'tool': public must be True or False, not 2."),
        ({"check": "f"}, "'tool': check must be a function of the principal, not 'f'."),
        ({"public": True, "staff": 1}, "'tool' is public, so staff would never be asked for: leave out one of them."),
    ],
    ids=str,
)
def test_what_has_no_meaning_is_refused_where_it_is_written(
    server: MCPServer, options: dict[str, Any], text: str
) -> None:
    with pytest.raises(InvalidDeclaration) as error:
        declared(server, **options)
    assert str(error.value) == text


@pytest.mark.parametrize("rate", ["", "50", "m", "0/m", "-1/m", "1.5/m", "50/min", "50 / m", 50, "9999999999/s"])
def test_a_rate_that_says_nothing_is_refused_where_it_is_written(server: MCPServer, rate: Any) -> None:
    with pytest.raises(InvalidDeclaration, match=r"^'tool': throttle: A rate is a number and a unit, as in '20/h'"):
        declared(server, throttle=rate)


@pytest.mark.parametrize(("rate", "seconds"), [("1/s", 1), ("1/m", 60), ("1/h", 3600), ("1/d", 86400)])
def test_a_rate_is_for_a_second_a_minute_an_hour_or_a_day(server: MCPServer, rate: str, seconds: int) -> None:
    assert declared(server, throttle=rate).throttle == Rate(1, seconds)


def test_a_server_says_what_its_components_do_not() -> None:
    server = MCPServer("reports", scopes="reports", permissions="auth.view_user", throttle="10/s")
    assert declared(server) == Access(scopes=("reports",), permissions=("auth.view_user",), throttle=Rate(10, 1))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"scopes": "other"}, Access(scopes=("other",), staff=True, throttle=Rate(10, 1))),
        ({"scopes": []}, Access(staff=True, throttle=Rate(10, 1))),
        ({"scopes": None, "staff": False}, Access(scopes=("reports",), throttle=Rate(10, 1))),
        ({"public": True}, Access(public=True, throttle=Rate(10, 1))),
        ({"public": True, "throttle": "1/s"}, Access(public=True, throttle=Rate(1, 1))),
    ],
    ids=str,
)
def test_a_component_may_say_otherwise(options: dict[str, Any], expected: Access) -> None:
    server = MCPServer("reports", scopes="reports", staff=True, throttle="10/s")
    assert declared(server, **options) == expected


def test_a_component_of_a_public_server_that_asks_for_something_is_not_public() -> None:
    server = MCPServer("reports", public=True)
    assert declared(server, scopes="a") == Access(scopes=("a",))


def test_the_default_server_is_told_by_its_attributes(server: MCPServer) -> None:
    server.scopes = "late"
    assert declared(server).scopes == ("late",)
    server.scopes = ["a b"]
    with pytest.raises(InvalidDeclaration, match="'a b' can't be a scope"):
        access_of(server.declarations("tool")[0], server)


@pytest.mark.parametrize("options", [{"scope": "a"}, {"staffs": True}])
def test_an_unknown_option_is_refused(server: MCPServer, options: dict[str, Any]) -> None:
    name = next(iter(options))
    with pytest.raises(InvalidDeclaration, match=repr(name)):
        MCPServer("other", **options)
    with pytest.raises(InvalidDeclaration, match=repr(name)):
        declared(server, **options)
    with pytest.raises(InvalidDeclaration, match=repr(name)):
        server.custom_route("/x", **options)
