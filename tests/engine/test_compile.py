"""From a declaration to the item of a list and the function behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from mcp_types import Icon
from pydantic import BaseModel

from mcp_django import MCPServer
from mcp_django.engine.compile import compile_prompt, compile_resource, compile_tool, to_icon
from mcp_django.engine.errors import NotThere
from mcp_django.exceptions import InvalidDeclaration
from mcp_django.registry import PromptDeclaration, ResourceDeclaration, ToolDeclaration
from mcp_django.registry.declarations import declare
from tests.conftest import Connect

pytestmark = pytest.mark.anyio


class Person(BaseModel):
    username: str


def vote(choice_id: int) -> str:
    """Vote.

    Only once.
    """
    return f"voted {choice_id}"


def listing_of(fn: Callable[..., Any] = vote, **options: Any) -> dict[str, Any]:
    return compile_tool(declare(ToolDeclaration, fn, None, options)).listing


def test_a_tool_is_listed_with_no_more_than_is_said_of_it() -> None:
    listing = listing_of()
    assert listing.keys() == {"name", "description", "inputSchema", "outputSchema"}
    assert (listing["name"], listing["description"]) == ("vote", "Vote.\n\nOnly once.")


def test_a_tool_is_listed_with_all_that_is_said_of_it() -> None:
    listing = listing_of(
        title="Vote now",
        description="Vote, and vote again.",
        read_only=False,
        destructive=True,
        idempotent=False,
        open_world=False,
        icons=["a.png", {"src": "b.svg", "mimeType": "image/svg+xml"}, Icon(src="c.png", sizes=["48x48"])],
        tags={"b", "a"},
        meta={"polls.test/id": 5},
        structured_output=False,
    )
    assert listing.pop("inputSchema")["required"] == ["choice_id"]
    assert listing == {
        "name": "vote",
        "title": "Vote now",
        "description": "Vote, and vote again.",
        "annotations": {
            "readOnlyHint": False,
            "destructiveHint": True,
            "idempotentHint": False,
            "openWorldHint": False,
        },
        "icons": [
            {"src": "a.png"},
            {"src": "b.svg", "mimeType": "image/svg+xml"},
            {"src": "c.png", "sizes": ["48x48"]},
        ],
        "_meta": {"polls.test/id": 5, "tags": ["a", "b"]},
    }


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ("read_only", "readOnlyHint"),
        ("destructive", "destructiveHint"),
        ("idempotent", "idempotentHint"),
        ("open_world", "openWorldHint"),
    ],
)
@pytest.mark.parametrize("value", [True, False])
def test_a_hint_is_given_only_where_the_author_gives_it(option: str, hint: str, value: bool) -> None:
    assert listing_of(vote, **{option: value})["annotations"] == {hint: value}


def test_tags_of_the_author_s_meta_are_the_author_s() -> None:
    assert listing_of(tags=["a"], meta={"tags": ["mine"]})["_meta"] == {"tags": ["mine"]}


async def test_a_client_reads_all_of_it_in_both_eras(server: MCPServer, connect: Connect, era: str) -> None:
    server.add_tool(vote, title="Vote now", destructive=True, icons=["a.png"], tags=["a"], meta={"polls.test/id": 5})
    async with connect(era) as client:
        (tool,) = (await client.list_tools()).tools
    assert (tool.name, tool.title, tool.description) == ("vote", "Vote now", "Vote.\n\nOnly once.")
    assert tool.annotations is not None
    assert tool.annotations.destructive_hint is True
    assert tool.annotations.read_only_hint is None
    assert [icon.src for icon in tool.icons or ()] == ["a.png"]
    assert tool.meta == {"polls.test/id": 5, "tags": ["a"]}
    assert (tool.output_schema or {})["required"] == ["result"]


def test_an_output_type_may_be_named_where_the_annotation_can_not_say_it() -> None:
    def people() -> Any: ...

    assert listing_of(people, output=list[Person])["outputSchema"]["$defs"].keys() == {"Person"}
    assert "outputSchema" not in listing_of(people)


@pytest.mark.parametrize(
    "options",
    [
        {"title": 5},
        {"description": 5},
        {"meta": {"a": object()}},
        {"icons": [5]},
        {"icons": [{"url": "a.png"}]},
        {"read_only": "perhaps"},
        {"output": type("Opaque", (), {}), "structured_output": True},
        {"timeout": "5"},
        {"timeout": -1},
        {"timeout": float("inf")},
    ],
)
def test_an_option_that_no_client_would_understand_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidDeclaration, match="vote"):
        listing_of(**options)


def test_an_icon_is_a_url_a_dict_or_the_sdk_s_object() -> None:
    assert to_icon("a.png", "here") == {"src": "a.png"}
    assert to_icon({"src": "a.png"}, "here") == to_icon(Icon(src="a.png"), "here") == {"src": "a.png"}


def test_anything_else_is_no_icon() -> None:
    with pytest.raises(InvalidDeclaration, match="here: 5 is not what the specification calls Icon"):
        to_icon(5, "here")


def test_the_key_of_a_component_is_that_of_its_declaration() -> None:
    assert compile_tool(declare(ToolDeclaration, vote, "a", {})).key == "a"
    assert compile_prompt(declare(PromptDeclaration, vote, "a", {})).key == "a"
    assert compile_resource(declare(ResourceDeclaration, lambda: "", "a", {"uri": "polls://a"})).key == "polls://a"


def test_a_static_resource_matches_no_uri_as_a_template_would() -> None:
    static = compile_resource(declare(ResourceDeclaration, lambda: "", "a", {"uri": "polls://a"}))
    assert static.match("polls://a") is None


def test_a_template_gives_its_parameters_or_nothing_or_says_that_there_is_nothing() -> None:
    template = compile_resource(declare(ResourceDeclaration, lambda poll_id: "", "a", {"uri": "polls://{poll_id}"}))
    assert template.match("polls://5") == {"poll_id": "5"}
    assert template.match("blogs://5") is None
    with pytest.raises(NotThere, match=r"Unknown resource: polls://\.\."):
        template.match("polls://..")
