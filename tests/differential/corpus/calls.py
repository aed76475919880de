"""``tools/call``: results of every kind, arguments good and bad, failures, progress and log messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.differential.corpus.cases import Form, Row
from tests.differential.tools import TOOLS

PLACE = {"name": "Oslo", "population": 1}

GOOD: dict[str, list[dict[str, Any]]] = {
    "take_nothing": [{}],
    "take_scalars": [{"a": 1}, {"a": 1, "b": 2, "c": True, "d": ""}, {"a": "1"}, {"a": 1.0}, {"a": 1, "b": "2.5"}],
    "take_limits": [{"count": 1}, {"count": 10, "code": "SE"}],
    "take_enum": [{"colour": "red"}, {"colour": "green", "size": 2}],
    "take_literal": [{}, {"mode": "slow"}],
    "take_optional": [{}, {"a": None, "b": None}, {"a": 1, "b": "x"}],
    "take_union": [{"a": 1}, {"a": "1"}, {"a": "x"}],
    "take_lists": [{"numbers": []}, {"numbers": [1, 2], "pairs": [["a", 1]]}],
    "take_model": [{"place": PLACE}],
    "take_models": [{"places": [PLACE, {**PLACE, "nickname": "o"}]}, {"places": []}],
    "take_tree": [{"tree": {"label": "a", "children": [{"label": "b"}]}}],
    "take_dataclass": [{"point": {"x": 1}}],
    "take_typed_dict": [{"row": {"key": "k", "value": 1}}],
    "take_dict": [{"data": {"a": 1, "b": 2}}],
    "take_any": [{"data": None}, {"data": [1]}, {"data": {"a": 1}}, {"data": "x"}],
    "take_moment": [{"moment": "2026-07-28T12:00:00Z"}, {"moment": "2026-07-28T12:00:00Z", "day": "2026-07-28"}],
    "take_decimal": [{"amount": "1.10"}, {"amount": 1, "key": "00000000-0000-0000-0000-000000000001"}],
    "take_pydantic_names": [{"copy": 1}, {"copy": 1, "schema": "a", "json": "b"}],
    "take_secret": [{"password": "hunter2", "tries": 1}],
    "documented": [{"a": 1}],
}

BAD: dict[str, list[dict[str, Any]]] = {
    "take_scalars": [{}, {"a": None}, {"a": "x"}, {"a": 1.5}, {"a": [1]}, {"a": 1, "c": "maybe"}, {"a": 1, "d": 1}],
    "take_limits": [{"count": 0}, {"count": 11}, {"count": 1, "code": "no"}, {"count": 1, "code": None}],
    "take_enum": [{"colour": "blue"}, {"colour": "RED"}, {"colour": "red", "size": 3}],
    "take_literal": [{"mode": "other"}],
    "take_optional": [{"a": "x"}, {"b": 1}],
    "take_union": [{"a": None}, {"a": []}],
    "take_lists": [{"numbers": "x"}, {"numbers": [1, "x"]}, {"numbers": [], "pairs": [["a"]]}],
    "take_model": [{"place": {}}, {"place": {**PLACE, "population": -1}}, {"place": 1}, {"place": None}],
    "take_models": [{"places": PLACE}, {"places": [1]}],
    "take_tree": [{"tree": {"label": "a", "children": [{}]}}],
    "take_dataclass": [{"point": {}}, {"point": []}],
    "take_typed_dict": [{"row": {"key": "k"}}, {"row": {"key": 1, "value": 1}}],
    "take_dict": [{"data": {"a": "x"}}, {"data": [1]}],
    "take_any": [{}],
    "take_moment": [{"moment": "yesterday"}, {"moment": "2026-07-28T12:00:00Z", "day": "x"}],
    "take_decimal": [{"amount": "x"}, {"amount": 1, "key": "x"}],
    "take_pydantic_names": [{}, {"copy": "x"}],
    "take_secret": [{"password": "hunter2", "tries": "hunter3"}],
}

AS_STRINGS: dict[str, list[dict[str, Any]]] = {
    "take_lists": [{"numbers": "[1, 2]"}, {"numbers": "[1, 2]", "pairs": '[["a", 1]]'}, {"numbers": "[1,"}],
    "take_model": [{"place": '{"name": "Oslo", "population": 1}'}, {"place": '{"name": 1}'}],
    "take_dict": [{"data": '{"a": 1}'}],
    "take_any": [{"data": "[1]"}, {"data": "1"}],
    "take_optional": [{"b": "[1]"}, {"a": "1"}],
}
"""Lists and objects as JSON in a string, as some clients send them."""


DIFFERENT_RESULTS = {
    "give_datetime": "scalar-schema",
    "give_decimal": "scalar-schema",
    "give_enum": "scalar-schema",
    "give_nan": "not-a-number",
}


def call(form: Form, name: str, arguments: Any = None, **options: Any) -> Any:
    params = {"name": name} | ({} if arguments is None else {"arguments": arguments})
    return form.request("tools/call", params, **options)


def results(form: Form) -> Iterator[Row]:
    for tool in TOOLS:
        if not tool.name.startswith("take_"):
            logged = form.old("default-log-level") if tool.name == "log_levels" else ""
            yield tool.name, call(form, tool.name, {}), DIFFERENT_RESULTS.get(tool.name, logged)


def good_arguments(form: Form) -> Iterator[Row]:
    for name, several in GOOD.items():
        for arguments in several:
            yield f"{name} {arguments}", call(form, name, arguments)


def bad_arguments(form: Form) -> Iterator[Row]:
    for name, several in BAD.items():
        for arguments in several:
            yield f"{name} {arguments}", call(form, name, arguments)


def arguments_as_strings(form: Form) -> Iterator[Row]:
    for name, several in AS_STRINGS.items():
        for arguments in several:
            text = next((value for value in arguments.values() if value == "[1]"), None)
            yield f"{name} {arguments}", call(form, name, arguments), "json-in-a-string" if text else ""


def odd_calls(form: Form) -> Iterator[Row]:
    request = form.request
    yield "without arguments", call(form, "take_literal")
    yield "null arguments", request("tools/call", {"name": "take_literal", "arguments": None})
    yield "arguments in a list", request("tools/call", {"name": "take_literal", "arguments": ["fast"]})
    yield "arguments in a string", request("tools/call", {"name": "take_literal", "arguments": "{}"})
    yield "an unknown argument", call(form, "take_literal", {"speed": 1}), "extra-argument"
    yield "an unknown tool", call(form, "nope", {}), "unknown-tool"
    yield "a tool whose name is empty", call(form, "", {}), "unknown-tool"
    yield "a tool in capitals", call(form, "GIVE_INT", {}), "unknown-tool"
    yield "no name", request("tools/call", {"arguments": {}})
    yield "no params", request("tools/call")
    yield "a name that is a number", request("tools/call", {"name": 1, "arguments": {}})
    yield "a name that is null", request("tools/call", {"name": None, "arguments": {}})
    yield "a member that the schema doesn't have", request("tools/call", {"name": "give_int", "extra": 1})
    yield "an id that is a string", call(form, "give_int", {}, id="seven")
    yield "an id that is empty", call(form, "give_int", {}, id="")
    yield "an id that is 0", call(form, "give_int", {}, id=0)
    yield "an id that is negative", call(form, "give_int", {}, id=-1)
    yield "an id of 13 digits", call(form, "give_int", {}, id=1_790_000_000_000)
    yield "a task", request("tools/call", {"name": "give_int", "arguments": {}, "task": {"ttl": 1000}})


def speaking_tools(form: Form) -> Iterator[Row]:
    token: Any
    for token in ("token", "", 7, 0):
        yield f"progress for the token {token!r}", call(form, "report_twice", {}, meta={"progressToken": token})
    yield "progress for nobody", call(form, "report_twice", {})
    for token in (True, 1.5, None, []):
        differs = "null-progress-token" if token is None else ""
        yield (
            f"progress for {token!r}, which is no token",
            call(form, "report_twice", {}, meta={"progressToken": token}),
            differs,
        )
    for level in ("debug", "info", "warning", "error", "emergency", "nope", 1):
        meta = {"io.modelcontextprotocol/logLevel": level}
        yield f"log messages from {level!r} on", call(form, "log_levels", {}, meta=meta), form.old("default-log-level")
    yield "log messages", call(form, "log_levels", {}), form.old("default-log-level")
    for uri in ("static://text", "static://json", "static://bytes", "numbers://1"):
        yield f"a tool that reads {uri}", call(form, "read_nested", {"uri": uri})
    for uri in ("static://nope", "numbers://x", "static://crash", "static://refusal", "static://protocol-error"):
        yield f"a tool that reads {uri} in vain", call(form, "read_nested", {"uri": uri})


FAMILIES = (results, odd_calls, speaking_tools)
FAMILIES_OF_AN_ERA = (good_arguments, bad_arguments, arguments_as_strings)
