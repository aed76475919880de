"""A form made of a JSON Schema, and the value that was filled in: no JavaScript, and no judgement.

What was typed is sent as it is, where it can't be what the schema wants: the engine refuses it, in the words that a
client would read. What a form can't show (unions, free objects, recursion) is a field for JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_DEPTH = 5
MAX_ITEMS = 50
"""Most items of a list that a form shows."""

ABSENT: Any = object()
"""Nothing was filled in: the member is left out."""

INPUTS = {
    "date": "date",
    "email": "email",
    "time": "time",
    "uri": "url",
    "password": "password",
}
"""The type of ``<input>`` for a ``format`` of strings."""


@dataclass(slots=True)
class Field:
    """One field, or a group of them."""

    name: str
    """Of the control: a JSON Pointer (RFC 6901) into the arguments."""

    label: str
    widget: str
    """``text``, ``number``, ``choice``, ``json``, ``list`` or ``group``."""

    schema: Mapping[str, Any]
    required: bool = False
    nullable: bool = False
    value: str = ""
    """What the control holds."""

    options: list[tuple[str, str]] = field(default_factory=list)
    children: list[Field] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Of the control in the page."""
        return "mcp-" + "".join(each if each.isalnum() else f"-{ord(each):x}-" for each in self.name)

    @property
    def count_name(self) -> str:
        """Of the hidden control that holds how many items a list has."""
        return f"count:{self.name}"

    @property
    def input_type(self) -> str:
        return INPUTS.get(str(self.schema.get("format")), "text")

    @property
    def long(self) -> bool:
        """Whether a text may be of several lines."""
        return self.input_type == "text" and (self.schema.get("maxLength") or 0) > 300

    @property
    def help(self) -> str:
        return str(self.schema.get("description") or "")

    @property
    def kind(self) -> str:
        """What may be filled in, in a few words: ``"integer, 1 to 50, default 10"``."""
        schema, words = self.schema, []
        kind = schema.get("type")
        words.append(kind if isinstance(kind, str) else "JSON" if self.widget == "json" else "")
        least, most = _bounds(schema)
        if "exclusiveMinimum" in schema:
            words.append(f"more than {schema['exclusiveMinimum']}")
        if "exclusiveMaximum" in schema:
            words.append(f"less than {schema['exclusiveMaximum']}")
        if least is not None and most is not None:
            words.append(f"{least} to {most}")
        elif least is not None or most is not None:
            words.append(f"at least {least}" if most is None else f"at most {most}")
        words += [str(schema[key]) for key in ("format", "pattern") if schema.get(key)]
        if schema.get("default") is not None:
            words.append(f"default {json.dumps(schema['default'], ensure_ascii=False)}")
        return ", ".join(word for word in words if word)


def _bounds(schema: Mapping[str, Any]) -> tuple[Any, Any]:
    least = next((schema[key] for key in ("minimum", "minLength", "minItems") if key in schema), None)
    most = next((schema[key] for key in ("maximum", "maxLength", "maxItems") if key in schema), None)
    return least, most


class SchemaForm:
    """The fields of an object's schema.

    Args:
        schema: JSON Schema of an object, ``$defs`` included.
        value: what the fields hold at first, or held before; ``None``: the defaults.
        prefix: before the names of all controls, where a page has several forms.
    """

    def __init__(self, schema: Mapping[str, Any], value: Any = None, *, prefix: str = "") -> None:
        self._root = schema
        self.group = self._make(prefix, "", schema, ABSENT if value is None else value, required=True, depth=0)

    @property
    def fields(self) -> list[Field]:
        return self.group.children if self.group.widget == "group" else [self.group]

    def _make(self, name: str, label: str, schema: Any, value: Any, *, required: bool, depth: int) -> Field:
        schema, nullable = self._resolved(schema)
        if value is ABSENT:
            value = schema.get("default", ABSENT)
        made = Field(name, label or str(schema.get("title") or ""), "json", schema, required, nullable)
        made.widget = self._widget(schema, value, depth)
        if made.widget == "group":
            given = value if isinstance(value, Mapping) else {}
            wanted = schema.get("required", ())
            for key, each in schema["properties"].items():
                inner = f"{name}/{key.replace('~', '~0').replace('/', '~1')}"
                made.children.append(
                    self._make(inner, key, each, given.get(key, ABSENT), required=key in wanted, depth=depth + 1)
                )
        elif made.widget == "list":
            items = (
                list(value) if isinstance(value, list | tuple) else [ABSENT] * max(schema.get("minItems", 0), required)
            )
            for place, each in enumerate(items[:MAX_ITEMS]):
                inner = f"{name}/{place}"
                made.children.append(
                    self._make(inner, f"{label} {place + 1}", schema["items"], each, required=True, depth=depth + 1)
                )
        else:
            made.options = _options(schema, required=required)
            made.value = _text(value, made)
        return made

    def _resolved(self, schema: Any) -> tuple[Mapping[str, Any], bool]:
        """Follow references, and take ``null`` out of a union of two."""
        nullable = False
        for _ in range(MAX_DEPTH):
            schema = schema if isinstance(schema, Mapping) else {}
            around = {key: each for key, each in schema.items() if key not in ("$ref", "anyOf", "oneOf", "allOf")}
            choices = schema.get("anyOf") or schema.get("oneOf") or ()
            others = [each for each in choices if not _is_null(each)]
            if isinstance(schema.get("$ref"), str):
                schema = {**_find(self._root, schema["$ref"]), **around}
            elif len(schema.get("allOf") or ()) == 1:
                schema = {**schema["allOf"][0], **around}
            elif len(others) == 1:
                nullable = nullable or len(others) < len(choices)
                schema = {**others[0], **around}
            elif isinstance(schema.get("type"), list):
                kinds = [each for each in schema["type"] if each != "null"]
                nullable = nullable or len(kinds) < len(schema["type"])
                return ({**schema, "type": kinds[0]} if len(kinds) == 1 else {**schema, "type": None}), nullable
            else:
                break
        return schema, nullable

    def _widget(self, schema: Mapping[str, Any], value: Any, depth: int) -> str:
        kind = schema.get("type")
        if "enum" in schema or "const" in schema or kind == "boolean":
            return "choice"
        if kind in ("integer", "number"):
            return "number"
        if kind == "string":
            return "text"
        if depth < MAX_DEPTH:
            free = schema.get("additionalProperties") not in (None, False)
            if kind == "object" and isinstance(schema.get("properties"), Mapping) and not free:
                return "group"
            if kind == "array" and isinstance(schema.get("items"), Mapping) and "prefixItems" not in schema:
                return "list"
        return "json"

    # What was filled in

    def read(self, posted: Mapping[str, str]) -> Any:
        """Return the arguments that a form's controls hold: ``{}`` where nothing was filled in."""
        value = self._read(self.group, posted)
        return {} if value is ABSENT else value

    def _read(self, made: Field, posted: Mapping[str, str]) -> Any:
        if made.widget == "group":
            members = {_key(each): self._read(each, posted) for each in made.children}
            found = {key: each for key, each in members.items() if each is not ABSENT}
            return found if found or made.required else ABSENT
        if made.widget == "list":
            return self._read_list(made, posted)
        return _value(posted.get(made.name, ""), made)

    def _read_list(self, made: Field, posted: Mapping[str, str]) -> Any:
        count = posted.get(made.count_name, "0")
        number = min(int(count), MAX_ITEMS) if count.isdecimal() else 0
        gone = posted.get("remove", "")
        found = []
        for place in range(number):
            name = f"{made.name}/{place}"
            item = self._make(name, "", made.schema["items"], ABSENT, required=True, depth=name.count("/"))
            if name != gone:
                value = self._read(item, posted)
                found.append("" if value is ABSENT else value)
        if posted.get("add") == made.name and len(found) < MAX_ITEMS:
            found.append(_blank(made.schema["items"], self._root))
        return found if found or made.required or number else ABSENT


def _blank(schema: Any, root: Mapping[str, Any]) -> Any:
    kind = SchemaForm({"type": "object", "properties": {"x": schema}, "$defs": root.get("$defs", {})}).fields[0].widget
    return {"group": {}, "list": []}.get(kind, "")


def _key(made: Field) -> str:
    return made.name.rpartition("/")[2].replace("~1", "/").replace("~0", "~")


def _is_null(schema: Any) -> bool:
    return isinstance(schema, Mapping) and (schema.get("type") == "null" or schema.get("const", "") is None)


def _find(root: Mapping[str, Any], reference: str) -> Mapping[str, Any]:
    """Return what a reference within the schema leads to; nothing for any other."""
    found: Any = root
    for part in reference.removeprefix("#").strip("/").split("/"):
        if part:
            found = found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) and reference.startswith("#") else {}


def _options(schema: Mapping[str, Any], *, required: bool) -> list[tuple[str, str]]:
    """Return what may be chosen, each as JSON, so that ``1`` and ``"1"`` stay apart."""
    values: list[Any]
    if schema.get("type") == "boolean" and "enum" not in schema:
        values = [True, False]
    elif "const" in schema:
        values = [schema["const"]]
    elif isinstance(schema.get("enum"), list):
        values = schema["enum"]
    else:
        return []
    options = [
        (json.dumps(each), {True: "yes", False: "no"}[each] if isinstance(each, bool) else str(each)) for each in values
    ]
    return options if required else [("", "—"), *options]


def _text(value: Any, made: Field) -> str:
    """Return what a control holds to stand for a value."""
    if value is ABSENT or (value is None and made.nullable):
        return ""
    if made.widget == "choice":
        return json.dumps(value)
    if made.widget == "json" or not isinstance(value, str):
        return json.dumps(value, indent=2, ensure_ascii=False)
    return str(value)


def _value(text: str, made: Field) -> Any:
    """Return the value that a control's text stands for; the text itself where it can't stand for any."""
    if text == "":
        if made.required and made.nullable:
            return None
        return "" if made.required and made.widget == "text" else ABSENT
    if made.widget == "text":
        return text.replace("\r\n", "\n")
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
