"""Declaring and withdrawing components of a server that is being served."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mcp_django import MCPServer
from mcp_django.exceptions import AlreadyRegistered, InvalidDeclaration, NotRegistered


def vote() -> None: ...


def star(*choices: int) -> None: ...


@pytest.mark.parametrize(
    ("add", "remove", "kind"),
    [
        (lambda s: s.add_tool(vote), lambda s: s.remove_tool("vote"), "tool"),
        (lambda s: s.add_prompt(vote), lambda s: s.remove_prompt("vote"), "prompt"),
        (lambda s: s.add_resource("polls://1", vote), lambda s: s.remove_resource("polls://1"), "resource"),
    ],
)
def test_what_was_added_can_be_removed_and_added_again(
    server: MCPServer, add: Callable[[MCPServer], None], remove: Callable[[MCPServer], None], kind: Any
) -> None:
    add(server)
    remove(server)
    assert server.declarations(kind) == ()
    add(server)
    assert len(server.declarations(kind)) == 1


def test_every_change_makes_a_new_revision(server: MCPServer) -> None:
    revisions = [server.revision]
    server.add_tool(vote)
    revisions.append(server.revision)
    server.remove_tool("vote")
    revisions.append(server.revision)
    assert revisions == sorted(set(revisions))


def test_what_is_refused_makes_no_new_revision(server: MCPServer) -> None:
    server.add_tool(vote)
    before = server.revision
    with pytest.raises(AlreadyRegistered):
        server.add_tool(vote)
    with pytest.raises(InvalidDeclaration):
        server.add_tool(star)
    with pytest.raises(NotRegistered):
        server.remove_tool("other")
    assert server.revision == before
    assert [each.name for each in server.declarations("tool")] == ["vote"]


@pytest.mark.parametrize(
    ("remove", "message"),
    [
        (lambda s: s.remove_tool("vote"), "No tool 'vote' is registered on <MCPServer 'fixture' at 'fixture'>."),
        (lambda s: s.remove_prompt("vote"), "No prompt 'vote' is registered on <MCPServer 'fixture' at 'fixture'>."),
        (
            lambda s: s.remove_resource("polls://1"),
            "No resource 'polls://1' is registered on <MCPServer 'fixture' at 'fixture'>.",
        ),
    ],
)
def test_what_is_not_there_can_not_be_removed(
    server: MCPServer, remove: Callable[[MCPServer], None], message: str
) -> None:
    with pytest.raises(NotRegistered) as refused:
        remove(server)
    assert str(refused.value) == message


def test_a_completion_and_a_route_are_removed_by_kind_and_key(server: MCPServer) -> None:
    server.completion(prompt="summarise", argument="poll_id")(vote)
    server.custom_route("/vote")(vote)
    server.remove("completion", "prompt summarise argument poll_id")
    server.remove("route", "GET /vote")
    assert server.declarations("completion") == server.declarations("route") == ()


@pytest.mark.parametrize(
    "declare",
    [
        lambda s: s.add_tool(star),
        lambda s: s.add_prompt(star),
        lambda s: s.add_resource("polls://1", star),
        lambda s: s.tool(star),
        lambda s: s.prompt(star),
        lambda s: s.resource("polls://1")(star),
    ],
)
def test_star_arguments_are_refused_when_they_are_registered(
    server: MCPServer, declare: Callable[[MCPServer], None]
) -> None:
    with pytest.raises(InvalidDeclaration, match=r"a client can't fill the parameter \*choices"):
        declare(server)


@pytest.mark.parametrize(
    "declare",
    [
        lambda s: s.add_tool(vote, colour="red"),
        lambda s: s.add_prompt(vote, colour="red"),
        lambda s: s.add_resource("polls://1", vote, colour="red"),
        lambda s: s.tool(colour="red")(vote),
        lambda s: s.prompt(colour="red")(vote),
        lambda s: s.resource("polls://1", colour="red")(vote),
    ],
)
def test_an_unknown_option_is_refused_when_it_is_registered(
    server: MCPServer, declare: Callable[[MCPServer], None]
) -> None:
    with pytest.raises(InvalidDeclaration, match="unexpected keyword argument 'colour'"):
        declare(server)


def test_a_raw_schema_lets_a_tool_take_whatever_it_names(server: MCPServer) -> None:
    def anything(**arguments: Any) -> None: ...

    server.add_tool(anything, input_schema={"type": "object"})
    assert [each.name for each in server.declarations("tool")] == ["anything"]
