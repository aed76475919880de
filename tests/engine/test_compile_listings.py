"""What is compiled is listed as it is, with no second look: so it must be what the schema of every revision takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp_types.methods import serialize_server_result
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from pydantic import BaseModel, ConfigDict
from pydantic_core import to_json

from mcp_django.engine.compile import compile_prompt, compile_resource, compile_tool
from mcp_django.engine.exchange import MODERN
from mcp_django.exceptions import InvalidDeclaration
from mcp_django.registry import PromptDeclaration, ResourceDeclaration, ToolDeclaration
from mcp_django.registry.declarations import declare

RESOURCES = ("resources/list", "resources")
TEMPLATES = ("resources/templates/list", "resourceTemplates")


class Odd(BaseModel):
    """A model whose author says something of its schema that the specification doesn't take."""

    model_config = ConfigDict(json_schema_extra={"type": "array"})


def plain(choice_id: int, note: str = "") -> dict[str, int]:
    return {"vote": choice_id}


def no_parameters() -> str:
    return ""


def odd() -> Odd:
    return Odd()


def rendered(choice_id: int) -> str:
    return str(choice_id)


kept = st.one_of(st.booleans(), st.integers(-5, 5), st.floats(0, 1), st.text(max_size=3), st.lists(st.text(max_size=2)))
values = st.one_of(st.none(), kept)
texts = st.one_of(st.text(max_size=5), values)
metas = st.dictionaries(st.sampled_from(["a", "com.example/b"]), kept, max_size=2)  # a null some revisions leave out
icons = st.lists(
    st.one_of(st.just("a.png"), st.fixed_dictionaries({"src": texts}, optional={"sizes": values, "theme": values})),
    max_size=2,
)
shared = {"title": texts, "description": texts, "meta": metas, "icons": icons}
schemas = st.fixed_dictionaries(
    {"type": st.one_of(st.just("object"), values)},
    optional={
        "properties": st.one_of(st.dictionaries(st.text(max_size=2), st.one_of(st.booleans(), st.just({}))), values),
        "required": values,
        "$schema": st.one_of(st.just("https://json-schema.org/draft/2020-12/schema"), values),
        "additionalProperties": values,
    },
)
hints = dict.fromkeys(["read_only", "destructive", "idempotent", "open_world"], st.one_of(st.booleans(), values))
tools = st.fixed_dictionaries({"fn": st.sampled_from([plain, no_parameters, odd])}, optional=shared | hints)
raw_tools = st.fixed_dictionaries({"fn": st.just(no_parameters), "input_schema": schemas}, optional={})
annotations = st.fixed_dictionaries(
    {}, optional={"audience": st.one_of(st.just(["user"]), values), "priority": values, "lastModified": values}
)
resources = st.fixed_dictionaries(
    {"fn": st.just(no_parameters)},
    optional=shared | {"mime_type": texts, "size": values, "annotations": st.one_of(st.none(), annotations)},
)


def listing_of(compiled: Callable[[Any], Any], declaration: Any, fn: Any, given: Any, name: str | None) -> Any:
    """Return the item of a list; ``None`` when the declaration is refused."""
    try:
        return compiled(declare(declaration, fn, name, given)).listing
    except (InvalidDeclaration, TypeError, ValueError):
        return None


def listed(method: str, member: str, listing: Any) -> None:
    """Assert that each revision's schema takes it, and makes of it what it is."""
    for version in (*HANDSHAKE_PROTOCOL_VERSIONS, MODERN):
        result = {member: [listing], "resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
        shown = json.loads(to_json(serialize_server_result(method, version, result)))[member]
        assert shown == [json.loads(to_json(listing))]


@given(options=st.one_of(tools, raw_tools))
@settings(max_examples=300, deadline=None)
def test_a_tool_is_refused_or_listed_as_it_is(options: dict[str, Any]) -> None:
    listing = listing_of(compile_tool, ToolDeclaration, options.pop("fn"), options, "tool")
    if listing is not None:
        listed("tools/list", "tools", listing)


@given(options=resources, template=st.booleans())
@settings(max_examples=200, deadline=None)
def test_a_resource_is_refused_or_listed_as_it_is(options: dict[str, Any], template: bool) -> None:
    fn = rendered if template else options["fn"]
    given = {**options, "uri": "polls://{choice_id}" if template else "polls://all"}
    del given["fn"]
    listing = listing_of(compile_resource, ResourceDeclaration, fn, given, "resource")
    if listing is not None:
        listed(*TEMPLATES if template else RESOURCES, listing)


@given(options=st.fixed_dictionaries({}, optional=shared))
@settings(max_examples=100, deadline=None)
def test_a_prompt_is_refused_or_listed_as_it_is(options: dict[str, Any]) -> None:
    listing = listing_of(compile_prompt, PromptDeclaration, rendered, options, "prompt")
    if listing is not None:
        listed("prompts/list", "prompts", listing)


@pytest.mark.parametrize("options", [{"title": 5}, {"meta": {"a": object()}}, {"description": ["a"]}])
def test_what_no_list_could_hold_is_refused_by_name(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidDeclaration, match=r"tool 'tool' in .* can't be listed"):
        compile_tool(declare(ToolDeclaration, plain, "tool", options))


def test_a_schema_of_an_author_s_own_type_must_be_of_an_object() -> None:
    with pytest.raises(InvalidDeclaration, match="can't be listed"):
        compile_tool(declare(ToolDeclaration, odd, "tool", {}))
