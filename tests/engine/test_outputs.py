"""From a return annotation to the output schema, and from a result to what fits it."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping
from typing import Annotated, Any, Generic, Literal, Optional, TypeVar

import pytest
import typing_extensions
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.db.models.manager import Manager
from jsonschema import Draft202012Validator
from mcp_types import CallToolResult, InputRequiredResult, TextContent
from pydantic import BaseModel, Field, RootModel

from mcp_django import Audio, Image, Progress
from mcp_django.engine.outputs import Output, read_output
from mcp_django.engine.signatures import Docstring, read_signature
from mcp_django.exceptions import InvalidDeclaration
from mcp_django.registry import ToolDeclaration
from mcp_django.registry.declarations import declare
from project.atlas.models import Continent

T = TypeVar("T")


class Person(BaseModel):
    username: str


class Page(BaseModel, Generic[T]):
    items: list[T]


class Numbers(RootModel[list[int]]): ...


class Tree(BaseModel):
    children: list[Tree] = []


@dataclasses.dataclass
class Point:
    latitude: float


class OldDict(typing.TypedDict):
    username: str


class NewDict(typing_extensions.TypedDict):
    username: str


def returning(annotation: Any) -> Callable[..., Any]:
    def answer() -> None: ...

    answer.__annotations__["return"] = annotation
    return answer


def output_of(fn: Callable[..., Any], wanted: bool | None = None) -> Output | None:
    declaration = declare(ToolDeclaration, fn, "answer", {})
    output = read_output(declaration, read_signature(declaration, Docstring("", {})).returns, wanted=wanted)
    if output is not None:
        Draft202012Validator.check_schema(output.schema)
    return output


def schema_of(annotation: Any) -> dict[str, Any]:
    output = output_of(returning(annotation))
    assert output is not None
    return output.schema


@pytest.mark.parametrize("annotation", [Person, Point, OldDict, NewDict, Tree, Page[Person], Annotated[Person, "x"]])
def test_what_is_an_object_is_published_as_it_is(annotation: Any) -> None:
    output = output_of(returning(annotation))
    assert output is not None
    assert output.schema["type"] == "object"
    assert not output.wrapped


def test_a_dict_with_names_is_an_object() -> None:
    assert schema_of(dict[str, int])["additionalProperties"] == {"type": "integer"}
    assert schema_of(Mapping[str, int])["additionalProperties"] == {"type": "integer"}


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (int, {"type": "integer"}),
        (str, {"type": "string"}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (Annotated[int, Field(ge=0)], {"type": "integer", "minimum": 0}),
        (Optional[int], {"anyOf": [{"type": "integer"}, {"type": "null"}]}),  # noqa: UP045 - both spellings
        (dict[int, str], {"type": "object", "additionalProperties": {"type": "string"}}),
    ],
)
def test_anything_else_is_wrapped_in_a_result(annotation: Any, expected: dict[str, Any]) -> None:
    schema = schema_of(annotation)
    assert schema["type"] == "object"
    assert schema["required"] == ["result"]
    assert schema["properties"] == {"result": {"title": "Result", **expected}}


@pytest.mark.parametrize(
    ("annotation", "definition"),
    [(list[Person], "Person"), (Person | None, "Person"), (list[OldDict], "OldDict"), (Continent, "Continent")],
)
def test_what_is_wrapped_may_hold_models(annotation: Any, definition: str) -> None:
    schema = schema_of(annotation)
    assert f"#/$defs/{definition}" in str(schema["properties"]["result"])
    assert definition in schema["$defs"]


def test_a_root_model_that_is_no_object_is_wrapped() -> None:
    output = output_of(returning(Numbers))
    assert output is not None
    assert output.wrapped
    assert output.schema["type"] == "object"
    assert output.dump(Numbers([1, 2])) == [1, 2]


def test_a_model_that_holds_itself_has_a_root_with_a_type() -> None:
    schema = schema_of(Tree)
    assert schema["type"] == "object"
    assert "$ref" not in schema
    assert schema["properties"]["children"]["items"] == {"$ref": "#/$defs/Tree"}


@pytest.mark.parametrize(
    "annotation",
    [
        Any,
        dict,
        list,
        tuple,
        object,
        bytes,
        Image,
        Audio,
        TextContent,
        CallToolResult,
        InputRequiredResult,
        Progress,
        list[Image],
        str | Image,
        Annotated[bytes, "x"],
        tuple[str, TextContent],
        bytes | None,
        InputRequiredResult | Progress,
        Callable[[], int],
        typing.List,  # noqa: UP006 - as older code has it
        typing.Dict,  # noqa: UP006
        typing.Sequence,
        typing.Mapping,
    ],
)
def test_what_says_nothing_of_its_json_has_no_schema(annotation: Any) -> None:
    assert output_of(returning(annotation)) is None


def test_no_annotation_is_no_schema() -> None:
    def answer(): ...  # type: ignore[no-untyped-def]

    assert output_of(answer) is None


def test_none_is_a_result_too() -> None:
    assert schema_of(None)["properties"] == {"result": {"title": "Result", "type": "null"}}


# What is asked for


def test_no_schema_is_made_where_none_is_wanted() -> None:
    assert output_of(returning(Person), wanted=False) is None


@pytest.mark.parametrize("annotation", [dict, list, object, Callable[[], int]])
def test_a_schema_that_is_wanted_and_can_not_be_made_is_an_error(annotation: Any) -> None:
    with pytest.raises(InvalidDeclaration) as refused:
        output_of(returning(annotation), wanted=True)
    assert str(refused.value).startswith(f"tool 'answer' in {__name__}: no output schema can be made: ")


class WithoutJson(BaseModel):
    value: Any = object()


def test_a_default_that_json_lacks_is_no_reason_to_publish_half_a_schema() -> None:
    with pytest.raises(InvalidDeclaration, match="no output schema can be made: non-serializable-default"):
        output_of(returning(WithoutJson))


class Unreadable(BaseModel):
    model_config = {"arbitrary_types_allowed": True}
    value: Callable[[], int]


def test_a_model_without_a_schema_is_an_error_and_not_passed_over() -> None:
    with pytest.raises(InvalidDeclaration, match="no output schema can be made"):
        output_of(returning(Unreadable))


@pytest.mark.parametrize(
    "annotation", [User, QuerySet, QuerySet[User], list[User], User | None, Manager[User], dict[str, User]]
)
def test_models_are_never_sent_whole(annotation: Any) -> None:
    with pytest.raises(InvalidDeclaration) as refused:
        output_of(returning(annotation))
    assert "models are never sent whole. Annotate the fields to send" in str(refused.value)


def test_models_are_of_no_concern_where_no_schema_is_wanted() -> None:
    assert output_of(returning(User), wanted=False) is None


# Generators, questions and ready results


def generator() -> Generator[Progress, None, Person]:
    yield Progress(1)
    return Person(username="ada")


def yielding() -> Generator[Progress | Person]:
    yield Person(username="ada")


def only_progress() -> Generator[Progress, None, None]:
    yield Progress(1)


def iterator() -> Iterator[Progress | Person]:
    yield Person(username="ada")


def iterable() -> Iterable[Person]:
    yield Person(username="ada")


async def async_iterator() -> AsyncIterator[Progress | Person]:
    yield Person(username="ada")


@pytest.mark.parametrize("fn", [generator, yielding, iterator, iterable, async_iterator])
def test_the_result_of_a_generator_is_what_it_yields_besides_progress_or_returns(fn: Callable[..., Any]) -> None:
    output = output_of(fn)
    assert output is not None
    assert output.schema["properties"].keys() == {"username"}


def test_a_generator_of_nothing_but_progress_has_no_schema() -> None:
    assert output_of(only_progress) is None


@pytest.mark.parametrize("value", [[1, 2], (1, 2), {1, 2}, range(1, 3)])
def test_a_function_that_is_no_generator_returns_what_it_says(value: Any) -> None:
    output = output_of(returning(Iterable[int]))
    assert output is not None
    assert output.schema["properties"]["result"]["type"] == "array"
    assert output.dump(value) == [1, 2]


def test_a_ready_result_may_promise_its_structured_content() -> None:
    assert schema_of(Annotated[CallToolResult, Person])["properties"].keys() == {"username"}


def test_a_promise_that_has_no_schema_is_an_error() -> None:
    with pytest.raises(InvalidDeclaration, match="no output schema can be made"):
        output_of(returning(Annotated[CallToolResult, Callable[[], int]]))


def test_a_question_is_no_part_of_the_result() -> None:
    assert schema_of(Person | InputRequiredResult)["properties"].keys() == {"username"}
