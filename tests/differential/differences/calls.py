"""Known differences of tools, resources, prompts and completions at work, and those of every answer."""

from __future__ import annotations

import json
from typing import Any

from mcp_types import INTERNAL_ERROR, INVALID_PARAMS

from tests.differential.differences.table import difference
from tests.differential.pair import Pair, complaint

RESOURCE_NOT_FOUND = -32002
CRASH_OF_THE_SDK = 0
"""What the SDK answers to a handshake client when a prompt or a completion raises: "pins code=0 for v1 compat"."""


@difference(
    "unknown-tool",
    "a tool that isn't there is a protocol error: the SDK's is a result that says so",
    '2025-11-25 and 2026-07-28, server/tools, Error Handling: "Protocol Errors … Unknown tool", code -32602',
)
def unknown_tool(pair: Pair) -> None:
    said = complaint(pair.theirs).startswith("Unknown tool")
    if pair.method == "tools/call" and pair.codes(INVALID_PARAMS, None) and said:
        pair.accept()


@difference(
    "extra-argument",
    "an argument that isn't there is refused with its name: the SDK drops it in silence",
    "our rule: a model that misspells an optional argument should be told",
)
def extra_argument(pair: Pair) -> None:
    told = "there is no such argument" in complaint(pair.ours)
    if pair.method == "tools/call" and told and pair.codes(None, None) and not complaint(pair.theirs):
        pair.accept()


@difference(
    "json-in-a-string",
    "a string that holds JSON is parsed only where the string itself doesn't fit: the SDK parses it before it looks",
    "our rule: some clients send lists and objects as strings, and a string is what it is where a string will do",
)
def json_in_a_string(pair: Pair) -> None:
    differs = pair.ours.result.get("content") != pair.theirs.result.get("content")
    held = pair.method == "tools/call" and any(map(_holds_json, pair.arguments.values()))
    if held and differs and pair.codes(None, None) and not complaint(pair.ours):
        pair.accept()


def _holds_json(value: Any) -> bool:
    try:
        return isinstance(value, str) and isinstance(json.loads(value), list | dict | None)
    except ValueError:
        return False


@difference(
    "scalar-schema",
    "every return annotation that has a schema gives structured content: the SDK's don't that are plain classes, such "
    "as enums, datetimes and named tuples",
    "our rule: whoever writes -> datetime means it",
)
def scalar_schema(pair: Pair) -> None:
    ours, theirs = pair.ours.result, pair.theirs.result
    wrapped = ours.get("structuredContent", {}) if pair.method == "tools/call" else {}
    if wrapped.keys() == {"result"} and "structuredContent" not in theirs and "content" in theirs:
        same = theirs["content"] == [{"type": "text", "text": json.dumps(wrapped["result"])}]
        if same and ours["content"] == [{"type": "text", "text": wrapped["result"]}]:
            pair.accept()
    for our_tool, their_tool in zip(ours.get("tools", ()), theirs.get("tools", ()), strict=False):
        schema = our_tool.get("outputSchema", {})
        if "outputSchema" not in their_tool and list(schema.get("properties", ())) == ["result"]:
            their_tool["outputSchema"] = schema


@difference(
    "not-a-number",
    "NaN for a number is a result that doesn't fit: the SDK sends null, against its own schema",
    'server/tools, Output Schema: "Servers MUST provide structured results that conform to this schema."',
)
def not_a_number(pair: Pair) -> None:
    theirs = pair.theirs.result.get("structuredContent") == {"result": None}
    said = pair.theirs.result.get("content") == [{"type": "text", "text": "NaN"}]
    if pair.method == "tools/call" and complaint(pair.ours) and theirs and said:
        pair.accept()


@difference(
    "unknown-resource",
    "handshake clients are told so by the code of their revision: the SDK uses that of 2026-07-28 for all",
    '2025-11-25, server/resources, Error Handling: "Resource not found: -32002"',
)
def unknown_resource(pair: Pair) -> None:
    same = pair.ours.error.get("data") == pair.theirs.error.get("data")
    if pair.method == "resources/read" and pair.handshake and pair.codes(RESOURCE_NOT_FOUND, INVALID_PARAMS) and same:
        pair.accept()


@difference(
    "template-arguments",
    "a parameter in a URI that doesn't fit the function's is invalid params: the SDK's is an internal error",
    'JSON-RPC 2.0 §5.1: "-32602 Invalid params: Invalid method parameter(s)."',
)
def template_arguments(pair: Pair) -> None:
    same = pair.ours.error.get("data") == pair.theirs.error.get("data")
    if pair.method == "resources/read" and pair.codes(INVALID_PARAMS, INTERNAL_ERROR) and same:
        pair.accept()


@difference(
    "prompt-arguments",
    "an unknown prompt, and arguments that are missing or don't fit, are invalid params: the SDK's is a crash",
    'server/prompts, Error Handling: "Invalid prompt name: -32602 (Invalid params)", '
    '"Missing required arguments: -32602 (Invalid params)"',
)
def prompt_arguments(pair: Pair) -> None:
    theirs = CRASH_OF_THE_SDK if pair.handshake else INTERNAL_ERROR
    if pair.method == "prompts/get" and pair.codes(INVALID_PARAMS, theirs):
        pair.accept()


@difference(
    "crash-code",
    "what crashes is an internal error: the SDK tells handshake clients of the code 0",
    'server/prompts and server/utilities/completion, Error Handling: "Internal errors: -32603 (Internal error)"',
)
def crash_code(pair: Pair) -> None:
    if pair.handshake and pair.codes(INTERNAL_ERROR, CRASH_OF_THE_SDK):
        pair.accept()


@difference(
    "unknown-reference",
    "completing an argument of a prompt or template that isn't there is refused: the SDK asks the handler all the same",
    'server/utilities/completion, Error Handling: "Invalid prompt name: -32602 (Invalid params)"',
)
def unknown_reference(pair: Pair) -> None:
    asked = pair.theirs.error_code in (None, CRASH_OF_THE_SDK, INTERNAL_ERROR) and pair.theirs.status == 200
    if pair.method == "completion/complete" and pair.ours.error_code == INVALID_PARAMS and asked:
        pair.accept()


@difference(
    "no-suggestions",
    "no suggestions are none of none: the SDK leaves the total out",
    "our rule; total and hasMore are optional",
)
def no_suggestions(pair: Pair) -> None:
    ours, theirs = (side.result.get("completion") for side in (pair.ours, pair.theirs))
    if theirs == {"values": []} and ours == {"values": [], "total": 0, "hasMore": False}:
        theirs |= ours


@difference(
    "json-not-stream",
    "an answer is one JSON body unless the function speaks before it is done: the SDK always streams to handshake "
    "clients",
    '2025-11-25, basic/transports: "the server MUST either return Content-Type: text/event-stream … or Content-Type: '
    'application/json, to return one JSON object."',
    everywhere=True,
)
def json_not_stream(pair: Pair) -> None:
    if (pair.ours.form, pair.theirs.form) == ("json", "stream") and len(pair.theirs.messages) == 1:
        pair.theirs.form = "json"


@difference(
    "empty-data",
    'an error without data has none: the SDK sends ""',
    "our rule; data is optional",
    everywhere=True,
)
def empty_data(pair: Pair) -> None:
    if pair.theirs.error.get("data") == "" and "data" not in pair.ours.error:
        del pair.theirs.error["data"]


@difference(
    "prose",
    "texts for people differ: codes are compared, and that there is a text",
    "our rule: errors in plain words with the names of fields",
    everywhere=True,
)
def prose(pair: Pair) -> None:
    if pair.ours.error_code is not None and pair.ours.error_code == pair.theirs.error_code:
        pair.theirs.error["message"] = pair.ours.error["message"]
    if complaint(pair.ours) and complaint(pair.theirs):
        pair.theirs.result["content"] = pair.ours.result["content"]
