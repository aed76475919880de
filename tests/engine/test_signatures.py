"""The schema that clients see of a function's parameters."""

from __future__ import annotations

import dataclasses
import enum
import typing
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal, Optional
from uuid import UUID

import pytest
import typing_extensions
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field

from mcp_django.engine.compile import Tool, compile_tool
from mcp_django.exceptions import InvalidDeclaration
from mcp_django.registry import ToolDeclaration
from mcp_django.registry.declarations import declare
from project.atlas.models import Continent

if typing.TYPE_CHECKING:
    from decimal import Decimal


def tool_of(fn: Callable[..., Any], **options: Any) -> Tool:
    return compile_tool(declare(ToolDeclaration, fn, None, options))


def schema_of(fn: Callable[..., Any]) -> dict[str, Any]:
    """Return the published schema, checked to be one."""
    schema: dict[str, Any] = tool_of(fn).listing["inputSchema"]
    Draft202012Validator.check_schema(schema)
    return schema


class Street(BaseModel):
    name: str
    number: Annotated[int, Field(ge=1)]


class Address(BaseModel):
    street: Street
    city: str = "Bern"


class Place(BaseModel):
    name: str
    parts: list[Place] = []


@dataclasses.dataclass
class Point:
    latitude: float
    longitude: float = 0.0


class OldDict(typing.TypedDict):
    username: str
    age: typing_extensions.NotRequired[int]


class NewDict(typing_extensions.TypedDict, total=False):
    username: typing_extensions.Required[str]
    age: int


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


def test_the_schema_of_a_signature_is_an_object_that_takes_nothing_else() -> None:
    def vote(choice_id: int, comment: str = "none") -> None: ...

    assert schema_of(vote) == {
        "type": "object",
        "title": "voteArguments",
        "properties": {
            "choice_id": {"title": "Choice Id", "type": "integer"},
            "comment": {"title": "Comment", "type": "string", "default": "none"},
        },
        "required": ["choice_id"],
        "additionalProperties": False,
    }


def test_a_function_without_parameters_takes_an_empty_object() -> None:
    def ping() -> None: ...

    schema = schema_of(ping)
    assert (schema["type"], schema["properties"], schema["additionalProperties"]) == ("object", {}, False)
    assert "required" not in schema


def one(value: Any) -> Callable[..., Any]:
    """Return a function whose one parameter has this annotation."""

    def takes(value: Any) -> None: ...

    takes.__annotations__["value"] = value
    return takes


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (str, {"type": "string"}),
        (bool, {"type": "boolean"}),
        (float, {"type": "number"}),
        (date, {"type": "string", "format": "date"}),
        (UUID, {"type": "string", "format": "uuid"}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (dict[str, float], {"type": "object", "additionalProperties": {"type": "number"}}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (Optional[int], {"anyOf": [{"type": "integer"}, {"type": "null"}]}),  # noqa: UP045 - both spellings
        (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (Annotated[int, Field(ge=1, le=50)], {"type": "integer", "minimum": 1, "maximum": 50}),
        (Annotated[str, Field(pattern="^[A-Z]{2}$")], {"type": "string", "pattern": "^[A-Z]{2}$"}),
        (Annotated[str, Field(min_length=1, max_length=9)], {"type": "string", "minLength": 1, "maxLength": 9}),
        (Annotated[list[int], Field(max_length=3)], {"type": "array", "items": {"type": "integer"}, "maxItems": 3}),
        (Annotated[str, Field(description="Two letters")], {"type": "string", "description": "Two letters"}),
        (Annotated[str, Field(examples=["DE"])], {"type": "string", "examples": ["DE"]}),
        (Any, {}),
    ],
)
def test_an_annotation_becomes_its_json_schema(annotation: Any, expected: dict[str, Any]) -> None:
    schema = schema_of(one(annotation))
    assert schema["properties"]["value"] == {"title": "Value", **expected}
    assert schema["required"] == ["value"]


@pytest.mark.parametrize(
    ("annotation", "name", "values"),
    [(Colour, "Colour", ["red", "blue"]), (Level, "Level", [1, 2]), (Continent, "Continent", Continent.values)],
)
def test_an_enum_becomes_the_list_of_its_values(annotation: Any, name: str, values: list[Any]) -> None:
    schema = schema_of(one(annotation))
    assert schema["properties"]["value"] == {"$ref": f"#/$defs/{name}"}
    assert schema["$defs"][name]["enum"] == values


def test_a_model_inside_a_model_keeps_its_limits() -> None:
    schema = schema_of(one(Address))
    assert schema["$defs"]["Address"]["properties"]["street"] == {"$ref": "#/$defs/Street"}
    assert schema["$defs"]["Address"]["required"] == ["street"]
    assert schema["$defs"]["Street"]["properties"]["number"]["minimum"] == 1


@pytest.mark.parametrize(
    ("annotation", "required"), [(Point, ["latitude"]), (OldDict, ["username"]), (NewDict, ["username"])]
)
@pytest.mark.parametrize("inside", [False, True])
def test_a_dataclass_and_a_typed_dict_become_objects(annotation: Any, required: list[str], inside: bool) -> None:
    schema = schema_of(one(list[annotation] if inside else annotation))
    assert schema["$defs"][annotation.__name__]["type"] == "object"
    assert schema["$defs"][annotation.__name__]["required"] == required


def test_a_parameter_without_an_annotation_takes_anything() -> None:
    def vote(choice, comment=None): ...  # type: ignore[no-untyped-def]

    assert schema_of(vote)["properties"] == {
        "choice": {"title": "Choice"},
        "comment": {"title": "Comment", "default": None},
    }


# Defaults


def limited(limit: int = Field(default=5, ge=1, description="Most to return")) -> None: ...
def needed(limit: int = Field(ge=1)) -> None: ...
def made(tags: list[str] = Field(default_factory=list)) -> None: ...
def annotated_made(tags: Annotated[list[str], Field(default_factory=list)]) -> None: ...


def test_a_default_may_stand_in_a_field() -> None:
    schema = schema_of(limited)
    assert schema["properties"]["limit"] == {
        "title": "Limit",
        "type": "integer",
        "minimum": 1,
        "default": 5,
        "description": "Most to return",
    }
    assert "required" not in schema


def test_a_field_without_a_default_is_required() -> None:
    assert schema_of(needed)["required"] == ["limit"]


@pytest.mark.parametrize("fn", [made, annotated_made])
def test_a_default_may_be_made_anew_for_every_call(fn: Callable[..., Any]) -> None:
    assert "required" not in schema_of(fn)
    validate = tool_of(fn).signature.validate
    first, second = validate({}), validate({})
    assert first == second == {"tags": []}
    assert first["tags"] is not second["tags"]


def test_an_enum_member_is_a_default() -> None:
    def paint(colour: Colour = Colour.RED) -> None: ...

    paint.__annotations__["colour"] = Colour
    assert schema_of(paint)["properties"]["colour"]["default"] == "red"
    assert tool_of(paint).signature.validate({}) == {"colour": Colour.RED}


# Names that pydantic keeps for itself


def awkward(
    schema: int, json: str, copy: bool, model_config: int, _private: int, model_x: int, dict: str, self: int, cls: int
) -> None: ...


def colliding(copy: int, argument_copy: int, argument_0_copy: int, _x: int, __x: int) -> None: ...


AWKWARD = {
    "schema": 1,
    "json": "{}",
    "copy": True,
    "model_config": 2,
    "_private": 3,
    "model_x": 4,
    "dict": "d",
    "self": 5,
    "cls": 6,
}


def test_a_parameter_may_be_called_like_an_attribute_of_pydantic() -> None:
    schema = schema_of(awkward)
    assert list(schema["properties"]) == list(AWKWARD) == schema["required"]
    assert tool_of(awkward).signature.validate(AWKWARD) == AWKWARD


def test_names_that_are_made_for_pydantic_collide_with_no_other_parameter() -> None:
    given = {"copy": 1, "argument_copy": 2, "argument_0_copy": 3, "_x": 4, "__x": 5}
    assert list(schema_of(colliding)["properties"]) == list(given)
    assert tool_of(colliding).signature.validate(given) == given


def test_an_alias_of_the_author_is_what_clients_say() -> None:
    def travel(from_: Annotated[str, Field(alias="from")]) -> None: ...

    assert list(schema_of(travel)["properties"]) == ["from"]
    assert tool_of(travel).signature.validate({"from": "Bern"}) == {"from_": "Bern"}


# What can't be served


class Opaque: ...


def unevaluable(amount: Decimal) -> None: ...
def opaque(value: Opaque) -> None: ...
def misspelled(value: Sting) -> None: ...  # type: ignore[name-defined]  # noqa: F821 - that is the fault


@pytest.mark.parametrize(
    ("fn", "reason"),
    [
        (unevaluable, "an annotation can't be evaluated: name 'Decimal' is not defined"),
        (misspelled, "an annotation can't be evaluated: name 'Sting' is not defined"),
        (opaque, "no JSON Schema can be made of its parameters: "),
        (one(Callable[[int], int]), "no JSON Schema can be made of its parameters: "),
        (one("1 +"), "an annotation can't be evaluated: "),
    ],
)
def test_an_annotation_that_can_not_be_served_is_an_error_that_names_the_function(
    fn: Callable[..., Any], reason: str
) -> None:
    with pytest.raises(InvalidDeclaration) as refused:
        tool_of(fn)
    assert str(refused.value).startswith(f"tool {fn.__name__!r} in {__name__}: {reason}")
    assert refused.value.__cause__ is not None


# What the function gets


def test_arguments_are_what_a_model_of_them_would_hold() -> None:
    def visit(place: Place, address: Address, at: Point | None = None, *, model_id: int = 7) -> None: ...

    street = {"name": "Hill", "number": "3"}
    given = {"place": {"name": "Alps", "parts": [{"name": "Eiger"}]}, "address": {"street": street}, "model_id": 8}
    assert tool_of(visit).signature.validate(given) == {
        "place": Place(name="Alps", parts=[Place(name="Eiger")]),
        "address": Address(street=Street(name="Hill", number=3)),
        "at": None,
        "model_id": 8,
    }


def test_each_call_has_a_default_of_its_own() -> None:
    def collect(names: list[str] = Field(default_factory=list), ages: list[int] = []) -> None: ...  # noqa: B006

    validate = tool_of(collect).signature.validate
    first = validate({})
    first["names"].append("ada")
    first["ages"].append(36)
    assert validate({}) == {"names": [], "ages": []}
