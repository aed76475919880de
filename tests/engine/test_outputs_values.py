"""Results are made to fit the type that was declared for them."""

from __future__ import annotations

import dataclasses
import typing
from typing import Annotated, Any, Generic, TypeVar

import pytest
from pydantic import BaseModel, Field, ValidationError

from mcp_django.engine.outputs import Output, read_output
from mcp_django.registry import ToolDeclaration
from mcp_django.registry.declarations import declare
from project.atlas.models import Continent

T = TypeVar("T")


class Person(BaseModel):
    username: str


class Page(BaseModel, Generic[T]):
    items: list[T]


class Tree(BaseModel):
    children: list[Tree] = []


@dataclasses.dataclass
class Point:
    latitude: float


def output_of(annotation: Any) -> Output:
    output = read_output(declare(ToolDeclaration, lambda: None, "answer", {}), annotation, wanted=True)
    assert output is not None
    return output


def dump(annotation: Any, value: Any) -> Any:
    return output_of(annotation).dump(value)


Inner = typing.TypedDict("Inner", {"a": int})  # noqa: UP013 - its annotations are no strings


class Outer(typing.TypedDict):
    x: typing.NotRequired[Inner]
    y: list[Inner]
    z: Annotated[Inner, "here"]
    w: Inner | None


Partial = typing.TypedDict("Partial", {"a": typing.Required[int], "b": str}, total=False)  # noqa: UP013


@pytest.mark.parametrize(
    ("annotation", "required", "value"),
    [
        (Inner, ["a"], {"a": 1}),
        (Outer, ["y", "z", "w"], {"x": {"a": 1}, "y": [{"a": 2}], "z": {"a": 3}, "w": None}),
        (Outer, ["y", "z", "w"], {"y": [], "z": {"a": 3}, "w": {"a": 4}}),
        (Partial, ["a"], {"a": 1}),
    ],
)
def test_a_typed_dict_of_the_standard_library_keeps_what_may_be_missing(
    annotation: Any, required: list[str], value: Any
) -> None:
    assert output_of(annotation).schema["required"] == required
    assert dump(annotation, value) == value


class Account(BaseModel):
    name: str = Field(alias="fullName")
    secret: str = Field(default="x", exclude=True)


@pytest.mark.parametrize("given", [{"fullName": "Ada"}, {"name": "Ada"}, Account(fullName="Ada")])
def test_an_alias_is_what_clients_read_whichever_way_the_author_wrote_it(given: Any) -> None:
    assert dump(Account, given) == {"fullName": "Ada"}


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (Point, Point(1), {"latitude": 1.0}),
        (list[Continent], [Continent.ASIA, "EU"], ["AS", "EU"]),
        (dict[str, Person], {"a": {"username": "ada", "password": "x"}}, {"a": {"username": "ada"}}),
        (Tree, Tree(children=[Tree()]), {"children": [{"children": []}]}),
        (float, 1, 1.0),
        (list[typing.List], [[1], []], [[1], []]),  # type: ignore[type-arg]  # noqa: UP006 - as older code has it
        (Page[int], {"items": ["1"]}, {"items": [1]}),
    ],
)
def test_a_result_is_made_to_fit_its_type(annotation: Any, value: Any, expected: Any) -> None:
    assert dump(annotation, value) == expected


def test_a_subclass_adds_nothing_to_what_was_declared() -> None:
    class WithSecret(Person):
        secret: str = "leak"

    assert dump(Person, WithSecret(username="ada")) == {"username": "ada"}


@pytest.mark.parametrize(
    ("annotation", "value"), [(int, "x"), (Person, {}), (Person, None), (list[int], [None]), (Continent, "XX")]
)
def test_a_result_that_does_not_fit_is_an_error(annotation: Any, value: Any) -> None:
    with pytest.raises(ValidationError):
        dump(annotation, value)
