"""Arguments are checked before a function runs, and what is wrong is said in words for the model."""

from __future__ import annotations

import dataclasses
import enum
import typing
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, field_validator

from mcp_django.engine.compile import compile_tool
from mcp_django.engine.signatures import InvalidArguments
from mcp_django.registry import ToolDeclaration
from mcp_django.registry.declarations import declare
from project.atlas.models import Continent


def check(fn: Callable[..., Any], arguments: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Return the arguments as the function gets them."""
    return compile_tool(declare(ToolDeclaration, fn, None, options)).signature.validate(arguments)


def refused(fn: Callable[..., Any], arguments: dict[str, Any], **options: Any) -> str:
    with pytest.raises(InvalidArguments) as error:
        check(fn, arguments, **options)
    return str(error.value)


Code = Annotated[str, Field(pattern="^[A-Z]+$")]


class Colour(enum.Enum):
    RED = "red"


class Street(BaseModel):
    name: str
    number: int

    @field_validator("name")
    @classmethod
    def known(cls, name: str) -> str:
        if name == "Elm Street":
            raise ValueError("nobody goes there")
        return name


class Address(BaseModel):
    street: Street


@dataclasses.dataclass
class Point:
    latitude: float


class Person(typing.TypedDict):
    username: str


def typed(
    when: date,
    colour: Colour,
    continent: Continent,
    address: Address,
    point: Point,
    person: Person,
    kind: Literal["a", "b"] = "a",
) -> None: ...


def vote(choice_id: int, comment: str = "none") -> None: ...
def compare(ids: list[int], text: str = "", options: dict[str, int] | None = None) -> None: ...
def limited(
    limit: Annotated[int, Field(ge=1, le=50)], code: Annotated[str, Field(pattern="^[A-Z]+$")] = "X"
) -> None: ...
def nothing() -> None: ...


def test_a_function_gets_the_objects_that_its_annotations_name() -> None:
    found = check(
        typed,
        {
            "when": "2026-07-28",
            "colour": "red",
            "continent": "EU",
            "address": {"street": {"name": "Main Street", "number": 5}},
            "point": {"latitude": 47},
            "person": {"username": "ada"},
        },
    )
    assert found == {
        "when": date(2026, 7, 28),
        "colour": Colour.RED,
        "continent": Continent.EUROPE,
        "address": Address(street=Street(name="Main Street", number=5)),
        "point": Point(47.0),
        "person": {"username": "ada"},
        "kind": "a",
    }
    assert isinstance(found["continent"], Continent)


def test_numbers_may_come_as_strings_as_all_arguments_of_prompts_do() -> None:
    assert check(vote, {"choice_id": "7"}) == {"choice_id": 7, "comment": "none"}


def test_a_default_fills_what_is_missing() -> None:
    assert check(vote, {"choice_id": 7}) == {"choice_id": 7, "comment": "none"}


@pytest.mark.parametrize(
    ("fn", "arguments", "message"),
    [
        (vote, {}, "Invalid arguments: choice_id: is required."),
        (vote, {"choice_id": 1, "comment": 5}, "Invalid arguments: comment: Input should be a valid string."),
        (
            vote,
            {"comment": 5, "choice_id": "x"},
            "Invalid arguments: choice_id: Input should be a valid integer, unable to parse string as an integer; "
            "comment: Input should be a valid string.",
        ),
        (
            vote,
            {"choice_id": 1, "choise": 2, "when": 3},
            "Invalid arguments: choise: there is no such argument; when: there is no such argument; "
            "known arguments: choice_id, comment.",
        ),
        (nothing, {"a": 1}, "Invalid arguments: a: there is no such argument; known arguments: none."),
        (limited, {"limit": 0}, "Invalid arguments: limit: Input should be greater than or equal to 1."),
        (limited, {"limit": 51}, "Invalid arguments: limit: Input should be less than or equal to 50."),
        (limited, {"limit": 5, "code": "x"}, "Invalid arguments: code: String should match pattern '^[A-Z]+$'."),
        (compare, {"ids": [1, "x"]}, "Invalid arguments: ids.1: Input should be a valid integer, "),
    ],
)
def test_what_is_wrong_is_said_by_argument(fn: Callable[..., Any], arguments: dict[str, Any], message: str) -> None:
    assert refused(fn, arguments).startswith(message)


def test_a_fault_deep_inside_is_said_with_the_way_to_it() -> None:
    def move(address: Address) -> None: ...

    move.__annotations__["address"] = Address
    message = refused(move, {"address": {"street": {"name": "Main Street"}}})
    assert message == "Invalid arguments: address.street.number: is required."


def test_a_validator_of_the_author_speaks_to_the_client() -> None:
    def move(address: Address) -> None: ...

    move.__annotations__["address"] = Address
    message = refused(move, {"address": {"street": {"name": "Elm Street", "number": 1}}})
    assert message == "Invalid arguments: address.street.name: Value error, nobody goes there."


def test_an_argument_by_the_name_that_pydantic_is_given_is_unknown() -> None:
    def keep(copy: int) -> None: ...

    assert "argument_0_copy: there is no such argument" in refused(keep, {"copy": 1, "argument_0_copy": 2})


@pytest.mark.parametrize("secret", ["hunter2", ["hunter2"], {"password": "hunter2"}, 1.5])
def test_a_wrong_value_is_not_repeated(secret: Any) -> None:
    raw = {"type": "object", "properties": {"choice_id": {"type": "integer"}}, "required": ["choice_id"]}
    for options in ({}, {"input_schema": raw}):
        message = refused(vote, {"choice_id": secret}, **options)
        assert "choice_id" in message
        assert "hunter2" not in message
        assert "1.5" not in message


# JSON inside a string


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"ids": "[1, 2]"}, {"ids": [1, 2], "text": "", "options": None}),
        ({"ids": [1], "options": '{"a": 1}'}, {"ids": [1], "text": "", "options": {"a": 1}}),
        ({"ids": "[1]", "text": "[2]"}, {"ids": [1], "text": "[2]", "options": None}),
        ({"ids": ["3"], "text": '{"a": 1}'}, {"ids": [3], "text": '{"a": 1}', "options": None}),
    ],
)
def test_a_list_or_object_may_come_as_json_in_a_string(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert check(compare, given) == expected


@pytest.mark.parametrize("text", ["[1, 2", "3", "null", '"x"', "", "[" * 500])
def test_a_string_that_holds_no_list_is_refused_as_the_string_that_it_is(text: str) -> None:
    assert refused(compare, {"ids": text}) == "Invalid arguments: ids: Input should be a valid list."


def test_json_in_a_string_that_does_not_fit_is_refused_too() -> None:
    message = refused(compare, {"ids": '["x"]'})
    assert message.startswith("Invalid arguments: ids")


def test_a_model_may_come_as_json_in_a_string() -> None:
    def move(address: Address) -> None: ...

    move.__annotations__["address"] = Address
    found = check(move, {"address": '{"street": {"name": "Main Street", "number": 5}}'})
    assert found["address"].street.number == 5


def test_the_arguments_that_were_given_stay_as_they_were() -> None:
    given = {"ids": "[1]"}
    check(compare, given)
    assert given == {"ids": "[1]"}
