"""Schemas that the author wrote: published to the letter, and enforced."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from mcp_django import Context, MCPServer
from mcp_django.engine.compile import compile_tool
from mcp_django.engine.signatures import InvalidArguments
from mcp_django.exceptions import InvalidDeclaration
from mcp_django.registry import ToolDeclaration
from mcp_django.registry.declarations import declare
from tests.conftest import Connect

pytestmark = pytest.mark.anyio

CONTACT: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
"""The schema that the official conformance suite wants to see unchanged."""


def contact(ctx: Context, **fields: Any) -> str:
    return ", ".join(f"{key}={value}" for key, value in fields.items())


def vote(choice: int) -> str:
    return f"voted {choice}"


def validate(fn: Callable[..., Any], schema: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    return compile_tool(declare(ToolDeclaration, fn, None, {"input_schema": schema})).signature.validate(arguments)


def refused(fn: Callable[..., Any], schema: Any, arguments: dict[str, Any]) -> str:
    with pytest.raises(InvalidArguments) as error:
        validate(fn, schema, arguments)
    return str(error.value)


async def test_a_raw_schema_reaches_the_client_to_the_letter(server: MCPServer, connect: Connect, era: str) -> None:
    server.add_tool(contact, input_schema=copy.deepcopy(CONTACT))
    async with connect(era) as client:
        (tool,) = (await client.list_tools()).tools
    assert tool.input_schema == CONTACT


async def test_a_raw_schema_is_enforced(server: MCPServer, connect: Connect, era: str) -> None:
    server.add_tool(contact, input_schema=CONTACT)
    async with connect(era) as client:
        good = await client.call_tool("contact", {"contactMethod": "phone", "phone": "112"})
        bad = await client.call_tool("contact", {"contactMethod": "phone", "email": "a@b.test"})
    assert good.structured_content == {"result": "contactMethod=phone, phone=112"}
    assert bad.is_error
    assert "phone" in bad.content[0].text  # type: ignore[union-attr]


def test_the_author_s_own_schema_object_stays_as_it_was() -> None:
    schema = copy.deepcopy(CONTACT)
    assert (
        compile_tool(declare(ToolDeclaration, contact, None, {"input_schema": schema})).listing["inputSchema"] == schema
    )
    assert schema == CONTACT


def schema(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, **more}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "'choice' is a required property"),
        ({"choice": "x"}, "choice: "),
        ({"choice": 1, "b": 2, "a": 1}, "a: there is no such argument; b: there is no such argument"),
    ],
)
@pytest.mark.parametrize("closed", [False, True])
def test_what_a_raw_schema_refuses_is_named(given: dict[str, Any], message: str, closed: bool) -> None:
    written = schema(
        {"choice": {"type": "integer"}}, required=["choice"], **({"additionalProperties": False} if closed else {})
    )
    assert message in refused(vote, written, given)
    assert refused(vote, written, given).startswith("Invalid arguments: ")


def nested(options: dict[str, Any]) -> None: ...


def test_a_fault_deep_inside_a_raw_schema_is_said_with_the_way_to_it() -> None:
    written = schema(
        {"options": {"type": "object", "properties": {"b$c": {"type": "array", "items": {"type": "integer"}}}}},
        required=["options"],
    )
    assert "options.b$c.1: " in refused(nested, written, {"options": {"b$c": [1, "x"]}})


def test_a_long_rule_of_a_raw_schema_is_not_repeated() -> None:
    written = schema({"choice": {"enum": list(range(100))}}, required=["choice"])
    message = refused(vote, written, {"choice": 1000})
    assert "choice: " in message
    assert len(message) < 100


def test_double_stars_take_whatever_an_open_raw_schema_lets_in() -> None:
    assert validate(contact, schema({}), {"a": 1}) == {"a": 1}


def test_the_arguments_that_a_function_may_change_are_its_own() -> None:
    given = {"choice": 1}
    assert validate(vote, schema({"choice": {}}, required=["choice"]), given) is not given


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ({"type": "array"}, "input_schema must say 'type': 'object'."),
        ({}, "input_schema must say 'type': 'object'."),
        ({"type": "object", "properties": {"choice": {"type": "integr"}}}, "input_schema is not a JSON Schema: "),
        ({"type": "object", "required": "choice"}, "input_schema is not a JSON Schema: "),
        (schema({"choice": {"type": "integer"}}), "input_schema doesn't require the parameter 'choice'"),
        (schema({"other": {}}, required=["other"]), "input_schema doesn't require the parameter 'choice'"),
    ],
)
def test_a_raw_schema_that_can_not_be_served_is_an_error_that_names_the_tool(written: Any, reason: str) -> None:
    with pytest.raises(InvalidDeclaration) as error:
        validate(vote, written, {})
    assert str(error.value).startswith(f"tool 'vote' in {__name__}: {reason}")


# x-mcp-header


@pytest.mark.parametrize("kind", ["string", "integer", "boolean"])
def test_a_plain_argument_may_be_mirrored_in_a_header(kind: str) -> None:
    written = schema({"choice": {"type": kind, "x-mcp-header": "Choice"}}, required=["choice"])
    tool = compile_tool(declare(ToolDeclaration, vote, None, {"input_schema": written}))
    assert tool.mirrored
    assert tool.listing["inputSchema"] == written


def test_a_tool_is_not_mirrored_unless_it_says_so() -> None:
    assert not compile_tool(declare(ToolDeclaration, vote, None, {})).mirrored


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "array", "x-mcp-header": "Choice"},
        {"type": "object", "x-mcp-header": "Choice"},
        {"type": "string", "x-mcp-header": "My Choice"},
        {"type": "string", "x-mcp-header": ""},
        {"type": "string", "x-mcp-header": "a:b"},
        {"type": "string", "x-mcp-header": 5},
    ],
)
def test_a_header_that_no_request_could_carry_is_refused(choice: dict[str, Any]) -> None:
    with pytest.raises(InvalidDeclaration, match=f"tool 'vote' in {__name__}: .*x-mcp-header"):
        validate(vote, schema({"choice": choice}, required=["choice"]), {})


def test_two_arguments_can_not_share_a_header() -> None:
    mirrored = {"type": "string", "x-mcp-header": "Choice"}
    with pytest.raises(InvalidDeclaration, match="x-mcp-header"):
        validate(contact, schema({"a": mirrored, "b": {**mirrored, "x-mcp-header": "choice"}}), {})
