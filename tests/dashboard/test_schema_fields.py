"""Forms of JSON Schemas, and what is read of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcp_django.dashboard.schema_fields import MAX_ITEMS, Field, SchemaForm

SCHEMA = {
    "type": "object",
    "$defs": {
        "Point": {
            "type": "object",
            "properties": {"lat": {"type": "number", "minimum": -90, "maximum": 90}, "name": {"type": "string"}},
            "required": ["lat"],
        },
        "Tree": {"type": "object", "properties": {"left": {"$ref": "#/$defs/Tree"}}},
        "Colour": {"enum": ["red", "blue"], "type": "string"},
    },
    "properties": {
        "text": {"type": "string", "description": "What to find.", "maxLength": 10},
        "limit": {"type": "integer", "minimum": 1, "maximum": 50, "default": 10},
        "sure": {"type": "boolean"},
        "colour": {"$ref": "#/$defs/Colour"},
        "maybe": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "either": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        "point": {"$ref": "#/$defs/Point"},
        "points": {"type": "array", "items": {"$ref": "#/$defs/Point"}},
        "free": {"type": "object", "additionalProperties": True},
        "tree": {"$ref": "#/$defs/Tree"},
        "day": {"type": ["string", "null"], "format": "date"},
        "a/b~c": {"type": "string"},
    },
    "required": ["text", "points"],
}


def fields_of(form: SchemaForm) -> dict[str, Field]:
    return {field.label: field for field in form.fields}


def posted(form: SchemaForm) -> dict[str, str]:
    """Return what a browser posts of a form as it is."""
    found: dict[str, str] = {}

    def visit(field: Field) -> None:
        if field.widget == "list":
            found[field.count_name] = str(len(field.children))
        if field.widget in ("group", "list"):
            for child in field.children:
                visit(child)
        else:
            found[field.name] = field.value

    visit(form.group)
    return found


def test_each_kind_of_schema_has_its_control() -> None:
    fields = fields_of(SchemaForm(SCHEMA))
    assert {label: field.widget for label, field in fields.items()} == {
        "text": "text",
        "limit": "number",
        "sure": "choice",
        "colour": "choice",
        "maybe": "number",
        "either": "json",
        "point": "group",
        "points": "list",
        "free": "json",
        "tree": "group",
        "day": "text",
        "a/b~c": "text",
    }
    assert fields["colour"].options == [("", "—"), ('"red"', "red"), ('"blue"', "blue")]
    assert fields["sure"].options == [("", "—"), ("true", "yes"), ("false", "no")]
    assert fields["text"].help == "What to find."
    assert fields["limit"].kind == "integer, 1 to 50, default 10"
    assert fields["text"].kind == "string, at most 10"
    assert (fields["day"].input_type, fields["day"].nullable) == ("date", True)
    assert [child.label for child in fields["point"].children] == ["lat", "name"]
    assert len(fields["points"].children) == 1  # it is required, so there is one to fill in


def test_what_a_schema_refers_to_without_end_ends_in_json() -> None:
    field = fields_of(SchemaForm(SCHEMA))["tree"]
    while field.widget == "group":
        (field,) = field.children
    assert field.widget == "json"


def test_defaults_stand_in_the_form_and_nothing_else_is_sent() -> None:
    form = SchemaForm(SCHEMA)
    assert form.read(posted(form)) == {"text": "", "limit": 10, "points": [{}]}


@pytest.mark.parametrize(
    "value",
    [
        {"text": "a", "points": []},
        {"text": "two\nlines", "limit": 3, "sure": False, "colour": "blue", "maybe": 4, "points": [{"lat": 1.5}]},
        {"text": "a", "points": [{"lat": 1, "name": "x"}, {"lat": 2}], "point": {"lat": 3}, "free": {"a": [1]}},
        {"text": "a", "points": [], "either": "word", "day": "2026-01-01", "a/b~c": "odd"},
    ],
    ids=str,
)
def test_what_is_filled_in_comes_back_as_it_was(value: dict[str, Any]) -> None:
    form = SchemaForm(SCHEMA, value)
    assert form.read(posted(form)) == {"limit": 10} | value


@pytest.mark.parametrize(
    ("name", "typed", "sent"),
    [
        ("/limit", "many", "many"),
        ("/limit", "NaN", "NaN"),
        ("/limit", "1.5", 1.5),
        ("/free", "{not json", "{not json"),
        ("/either", "[" * 100_000, "[" * 100_000),
    ],
    ids=lambda case: str(case)[:20],
)
def test_what_can_not_be_read_is_sent_as_it_was_typed(name: str, typed: str, sent: Any) -> None:
    """The engine refuses it, in its own words."""
    form = SchemaForm(SCHEMA)
    assert form.read({**posted(form), name: typed})[name[1:]] == sent


def test_items_are_added_and_removed() -> None:
    form = SchemaForm(SCHEMA, {"text": "a", "points": [{"lat": 1}, {"lat": 2}]})
    added = form.read({**posted(form), "add": "/points"})
    assert added["points"] == [{"lat": 1}, {"lat": 2}, {}]
    removed = form.read({**posted(form), "remove": "/points/0"})
    assert removed["points"] == [{"lat": 2}]


def test_lists_of_lists_and_of_texts_take_items() -> None:
    schema = {
        "type": "object",
        "properties": {
            "rows": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
            "words": {"type": "array", "items": {"type": "string"}, "minItems": 2},
        },
    }
    form = SchemaForm(schema, {"rows": [[1, 2], [3]], "words": ["a"]})
    assert form.read(posted(form)) == {"rows": [[1, 2], [3]], "words": ["a"]}
    assert form.read({**posted(form), "add": "/rows"})["rows"] == [[1, 2], [3], []]
    assert form.read({**posted(form), "add": "/words"})["words"] == ["a", ""]
    assert len(fields_of(SchemaForm(schema))["words"].children) == 2


@pytest.mark.parametrize("count", ["-1", "many", "", "9" * 30, "\u0661"])
def test_a_count_that_nobody_could_have_meant_makes_no_harm(count: str) -> None:
    form = SchemaForm(SCHEMA)
    points = form.read({**posted(form), "count:/points": count})["points"]
    assert len(points) <= MAX_ITEMS


def test_the_value_null_is_sent_where_it_must_be_chosen() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
        "required": ["a"],
    }
    assert SchemaForm(schema).read({"/a": ""}) == {"a": None}


def test_choices_that_look_alike_stay_apart() -> None:
    schema = {"type": "object", "properties": {"a": {"enum": [1, "1", None]}, "b": {"const": "x"}}}
    field = fields_of(SchemaForm(schema))["a"]
    assert [json.loads(value) for value, _ in field.options[1:]] == [1, "1", None]
    assert SchemaForm(schema).read({"/a": '"1"', "/b": '"x"'}) == {"a": "1", "b": "x"}


def test_a_schema_that_leads_nowhere_is_a_field_for_json() -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": "https://elsewhere.example/x"}, "b": True}}
    assert {field.widget for field in SchemaForm(schema).fields} == {"json"}
    assert [field.widget for field in SchemaForm({"type": "object"}).fields] == ["json"]


def test_ids_are_apart_where_names_are() -> None:
    schema = {"type": "object", "properties": {"a b": {}, "a-b": {}, "a/b": {}, "ä": {}}}
    ids = [field.id for field in SchemaForm(schema).fields]
    assert len(set(ids)) == 4
    assert not any(" " in each for each in ids)
