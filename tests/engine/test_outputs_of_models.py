"""Model instances and QuerySets: the declared fields are sent, and nothing else of them ever."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import pytest
import typing_extensions
from django.contrib.auth.models import Group, User
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from mcp_django import MCPServer
from mcp_django.engine.compile import compile_tool
from mcp_django.registry import ToolDeclaration
from mcp_django.registry.declarations import declare
from project.atlas.models import Trip
from tests.conftest import Connect

pytestmark = pytest.mark.anyio


class Model(BaseModel):
    username: str


class OpenModel(BaseModel):
    model_config = ConfigDict(extra="allow")
    username: str


@dataclasses.dataclass
class Data:
    username: str


class OldDict(typing.TypedDict):
    username: str


class NewDict(typing_extensions.TypedDict):
    username: str
    nickname: typing_extensions.NotRequired[str]


@dataclasses.dataclass
class Team:
    name: str
    user_set: list[Data]


class TeamModel(BaseModel):
    name: str
    user_set: list[Model]


class CamelTeam(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)
    name: str
    user_set: list[Model]


class Member(BaseModel):
    username: str
    groups: list[GroupName]


class GroupName(BaseModel):
    name: str


class TripOfMember(BaseModel):
    title: str
    owner: Member


@dataclasses.dataclass
class Tree:
    name: str
    children: list[Tree] = dataclasses.field(default_factory=list)


class TeamDict(typing_extensions.TypedDict):
    name: str
    user_set: list[NewDict]


ada = User(username="ada", password="hunter2", email="ada@polls.test")
bob = User(username="bob", password="hunter2")
SHAPES = [Model, OpenModel, Data, OldDict, NewDict]


def dump(annotation: Any, value: Any) -> Any:
    def answer() -> None: ...

    declaration = declare(ToolDeclaration, answer, None, {"output": annotation})
    output = compile_tool(declaration).output
    assert output is not None
    plain = output.dump(value)
    assert "hunter2" not in json.dumps(plain)
    return plain


@pytest.mark.parametrize("shape", SHAPES)
def test_an_instance_is_read_into_the_declared_fields(shape: Any) -> None:
    assert dump(shape, ada) == {"username": "ada"}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("wrapping", ["list", "tuple", "sequence", "choice", "nothing", "dict", "annotated", "deep"])
def test_an_instance_is_read_wherever_the_type_has_it(shape: Any, wrapping: str) -> None:
    annotation, value, expected = wrapped(wrapping, shape, {"username": "ada"})
    assert dump(annotation, value) == expected


def wrapped(wrapping: str, shape: Any, plain: Any) -> tuple[Any, Any, Any]:
    """Return a type around a shape, a value of it, and what is sent of that."""
    cases: dict[str, tuple[Any, Any, Any]] = {
        "list": (list[shape], [ada], [plain]),
        "tuple": (tuple[shape, ...], (ada,), [plain]),
        "sequence": (Sequence[shape], [ada], [plain]),
        "choice": (shape | None, ada, plain),
        "nothing": (shape | None, None, None),
        "dict": (dict[str, shape], {"a": ada}, {"a": plain}),
        "annotated": (Annotated[list[shape], "x"], [ada], [plain]),
        "deep": (dict[str, list[shape]], {"all": [ada]}, {"all": [plain]}),
    }
    return cases[wrapping]


@pytest.mark.parametrize("shape", SHAPES)
def test_each_place_of_a_tuple_has_its_own_type(shape: Any) -> None:
    assert dump(tuple[int, shape], (1, ada)) == [1, {"username": "ada"}]


@pytest.mark.parametrize("shape", SHAPES)
def test_plain_data_is_taken_too_without_what_was_not_declared(shape: Any) -> None:
    found = dump(shape, {"username": "ada"})
    assert found == {"username": "ada"}


def test_each_choice_of_a_union_reads_the_instances_that_fit_it() -> None:
    @dataclasses.dataclass
    class GroupData:
        name: str

    assert dump(Data | GroupData, Group(name="editors")) == {"name": "editors"}
    assert dump(Data | GroupData, ada) == {"username": "ada"}


@pytest.mark.django_db
@pytest.mark.parametrize("shape", SHAPES)
def test_a_queryset_and_a_manager_are_lists_of_instances(shape: Any) -> None:
    User.objects.create(username="ada", password="hunter2")
    expected = [{"username": "ada"}]
    assert dump(list[shape], User.objects.all()) == expected
    assert dump(list[shape], User.objects) == expected
    assert dump(list[shape], User.objects.values("username")) == expected
    assert dump(set[int], User.objects.values_list("is_active", flat=True)) == [1]


@pytest.mark.django_db
@pytest.mark.parametrize("shape", [Team, TeamModel, TeamDict])
def test_a_related_manager_is_read_into_the_list_inside_a_record(shape: Any) -> None:
    group = Group.objects.create(name="editors")
    group.user_set.add(User.objects.create(username="ada", password="hunter2"))
    assert dump(shape, group) == {"name": "editors", "user_set": [{"username": "ada"}]}


@pytest.mark.django_db
def test_a_related_manager_is_read_where_fields_have_aliases() -> None:
    group = Group.objects.create(name="editors")
    group.user_set.add(User.objects.create(username="ada", password="hunter2"))
    assert dump(CamelTeam, group) == {"name": "editors", "userSet": [{"username": "ada"}]}


@pytest.mark.django_db
def test_a_related_manager_is_read_however_deep_it_lies() -> None:
    owner = User.objects.create(username="ada", password="hunter2")
    owner.groups.add(Group.objects.create(name="editors"))
    expected = {"title": "North", "owner": {"username": "ada", "groups": [{"name": "editors"}]}}
    assert dump(TripOfMember, Trip(title="North", owner=owner)) == expected


def test_a_record_may_hold_itself() -> None:
    assert dump(Tree, Tree("root", [Tree("leaf")])) == {"name": "root", "children": [{"name": "leaf", "children": []}]}
    assert dump(Tree, Group(name="editors")) == {"name": "editors", "children": []}


def test_a_tuple_of_another_length_is_refused_as_it_is() -> None:
    with pytest.raises(ValidationError):
        dump(tuple[int, Data], (1, ada, bob))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("shape", [Model, Data, OldDict])
@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_a_client_reads_the_declared_fields_of_a_queryset(
    server: MCPServer, connect: Connect, shape: Any, kind: str
) -> None:
    await User.objects.acreate(username="ada", password="hunter2")

    def sync_people() -> Any:
        return User.objects.all()

    async def async_people() -> Any:
        return User.objects.all()

    server.add_tool(sync_people if kind == "sync" else async_people, "people", output=list[shape])
    async with connect("auto") as client:
        result = await client.call_tool("people", {})
    assert result.structured_content == {"result": [{"username": "ada"}]}
    assert "hunter2" not in result.model_dump_json()


@pytest.mark.parametrize(
    "answer",
    [lambda: ada, lambda: [ada], lambda: {"user": ada}, lambda: {"deep": [{"user": ada}]}, lambda: User.objects.all()],
)
@pytest.mark.parametrize("annotation", [None, Any, dict, list, dict[str, Any]])
async def test_models_without_a_declared_type_are_refused(
    server: MCPServer,
    connect: Connect,
    caplog: pytest.LogCaptureFixture,
    answer: Callable[[], Any],
    annotation: Any,
) -> None:
    def people() -> Any:
        return answer()

    if annotation is None:
        del people.__annotations__["return"]
    else:
        people.__annotations__["return"] = annotation
    server.add_tool(people)
    async with connect("auto") as client:
        result = await client.call_tool("people", {})
    assert result.is_error
    assert result.content[0].text == "Tool 'people' failed unexpectedly. The error was logged."  # type: ignore[union-attr]
    assert "hunter2" not in result.model_dump_json()
    assert caplog.records
