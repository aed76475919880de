"""What is no proper message, and what comes in no proper HTTP request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.differential.corpus.cases import Form, Row

BROKEN: dict[str, bytes] = {
    "nothing": b"",
    "blanks": b" \r\n",
    "no JSON": b"{",
    "JSON and more": b'{"jsonrpc":"2.0","id":1,"method":"resources/templates/list"} x',
    "single quotes": b"{'jsonrpc': '2.0'}",
    "a comment": b'{"jsonrpc":"2.0",/* c */"id":1,"method":"resources/templates/list"}',
    "a trailing comma": b'{"jsonrpc":"2.0","id":1,"method":"resources/templates/list",}',
    "a NUL": b"\x00",
    "a byte order mark": b'\xef\xbb\xbf{"jsonrpc":"2.0","id":1,"method":"resources/templates/list"}',
    "UTF-16": '{"jsonrpc":"2.0","id":1,"method":"resources/templates/list"}'.encode("utf-16"),
    "bytes that are no UTF-8": b'{"jsonrpc":"2.0","id":1,"method":"\xff\xfe"}',
    "an overlong encoding": b'{"jsonrpc":"2.0","id":1,"method":"\xc0\xaf"}',
    "NaN": b'{"jsonrpc":"2.0","id":1,"method":"resources/templates/list","params":{"a":NaN}}',
    "Infinity": b'{"jsonrpc":"2.0","id":1,"method":"resources/templates/list","params":{"a":-Infinity}}',
    "a NaN for an id": b'{"jsonrpc":"2.0","id":NaN,"method":"resources/templates/list"}',
    "arrays in 10,000 arrays": b"[" * 10_000 + b"]" * 10_000,
    "objects in 10,000 objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "a huge integer": b'{"jsonrpc":"2.0","id":1,"method":"resources/templates/list","params":{"a":'
    + b"9" * 10_000
    + b"}}",
    "a huge exponent": b'{"jsonrpc":"2.0","id":1,"method":"resources/templates/list","params":{"a":1e999999}}',
}
LOOSE = ("NaN", "Infinity", "a NaN for an id")
NEWLY_LOOSE = ("a byte order mark", "UTF-16")
"""What the SDK's parsers take: in every revision, and in 2026-07-28 alone."""

NO_MESSAGES: dict[str, Any] = {
    "null": None,
    "true": True,
    "a number": 1,
    "a string": "resources/templates/list",
    "an empty batch": [],
    "an empty object": {},
    "no jsonrpc": {"id": 1, "method": "resources/templates/list"},
    "jsonrpc 1.0": {"jsonrpc": "1.0", "id": 1, "method": "resources/templates/list"},
    "a number for jsonrpc": {"jsonrpc": 2.0, "id": 1, "method": "resources/templates/list"},
    "no method": {"jsonrpc": "2.0", "id": 1},
    "a number for a method": {"jsonrpc": "2.0", "id": 1, "method": 1},
    "null for a method": {"jsonrpc": "2.0", "id": 1, "method": None},
    "no method and no id": {"jsonrpc": "2.0"},
    "a notification without a method": {"jsonrpc": "2.0", "params": {}},
    "a notification with a number for a method": {"jsonrpc": "2.0", "method": 1},
    "null for an id": {"jsonrpc": "2.0", "id": None, "method": "resources/templates/list"},
    "true for an id": {"jsonrpc": "2.0", "id": True, "method": "resources/templates/list"},
    "a fraction for an id": {"jsonrpc": "2.0", "id": 1.5, "method": "resources/templates/list"},
    "a float for an id": {"jsonrpc": "2.0", "id": 1.0, "method": "resources/templates/list"},
    "a list for an id": {"jsonrpc": "2.0", "id": [1], "method": "resources/templates/list"},
    "an object for an id": {"jsonrpc": "2.0", "id": {}, "method": "resources/templates/list"},
    "params in a list": {"jsonrpc": "2.0", "id": 1, "method": "resources/templates/list", "params": []},
    "params in a string": {"jsonrpc": "2.0", "id": 1, "method": "resources/templates/list", "params": "{}"},
    "a number for params": {"jsonrpc": "2.0", "id": 1, "method": "resources/templates/list", "params": 0},
    "an unknown method with params in a list": {"jsonrpc": "2.0", "id": 1, "method": "nope", "params": []},
}
ANSWERS: dict[str, Any] = {
    "a result": {"jsonrpc": "2.0", "id": 1, "result": {}},
    "a result that is null": {"jsonrpc": "2.0", "id": 1, "result": None},
    "a result that is a string": {"jsonrpc": "2.0", "id": 1, "result": "x"},
    "a result without an id": {"jsonrpc": "2.0", "result": {}},
    "a result with null for an id": {"jsonrpc": "2.0", "id": None, "result": {}},
    "an error": {"jsonrpc": "2.0", "id": 1, "error": {"code": -1, "message": "no"}},
    "an error with null for an id": {"jsonrpc": "2.0", "id": None, "error": {"code": -1, "message": "no"}},
    "an error without a code": {"jsonrpc": "2.0", "id": 1, "error": {"message": "no"}},
    "an error that is a string": {"jsonrpc": "2.0", "id": 1, "error": "no"},
    "a result with null for a method": {"jsonrpc": "2.0", "id": 1, "result": {}, "method": None},
    "a result and an error": {"jsonrpc": "2.0", "id": 1, "result": {}, "error": {"code": -1, "message": "no"}},
}
NO_ANSWERS = (
    "a result that is null",
    "a result that is a string",
    "a result without an id",
    "a result with null for an id",
    "a result with null for a method",
    "an error without a code",
    "an error that is a string",
)


def bodies(form: Form) -> Iterator[Row]:
    for name, body in BROKEN.items():
        differs = "strict-json" if name in LOOSE else form.new("strict-json") if name in NEWLY_LOOSE else ""
        yield name, form.raw(body), differs


def messages(form: Form) -> Iterator[Row]:
    for name, message in NO_MESSAGES.items():
        bad_id = isinstance(message, dict) and type(message.get("id", 1)) is not int
        yield name, form.post(message), form.old("malformed-id" if bad_id else "malformed-message")
    one = json.loads(form.request("resources/templates/list").body)
    batch = form.old("malformed-message")
    yield "a batch of one", form.post([one]), batch
    yield "a batch of two", form.post([one, {**one, "id": 2}]), batch
    yield "a batch of notifications", form.post([{"jsonrpc": "2.0", "method": "notifications/initialized"}]), batch


def posted_answers(form: Form) -> Iterator[Row]:
    for name, message in ANSWERS.items():
        yield name, form.post(message), form.old("malformed-message") if name in NO_ANSWERS else ""


def odd_messages(form: Form) -> Iterator[Row]:
    plain = json.loads(form.request("ping" if not form.modern else "server/discover").body)
    yield "a member that JSON-RPC doesn't have", form.post({**plain, "extra": 1})
    yield "a request that is a result too", form.post({**plain, "result": {}})
    yield "blanks around", form.raw(b" \n" + json.dumps(plain).encode() + b"\n ", {"mcp-method": plain["method"]})
    yield (
        "an id twice",
        form.raw(json.dumps(plain).encode().replace(b'"id": 1', b'"id": 1, "id": 2'), {"mcp-method": plain["method"]}),
    )
    loose = form.new("strict-json")
    yield "a lone surrogate", form.request("prompts/get", {"name": "\ud800"}), loose
    yield "a lone surrogate in a member that nobody reads", form.request(plain["method"], {"a": "\ud800"}), loose
    yield "an id of 30 digits", form.request(plain["method"], id=10**29)
    yield "an id with a lone surrogate", form.request(plain["method"], id="\ud800"), loose
    yield "an id of 10,000 characters", form.request(plain["method"], id="x" * 10_000)
    deep: Any = 1
    for _ in range(150):
        deep = [deep]
    yield "150 arrays", form.request("tools/call", {"name": "take_any", "arguments": {"data": deep}})


def verbs(form: Form) -> Iterator[Row]:
    plain = form.request("resources/templates/list")
    for verb in ("PUT", "PATCH", "OPTIONS", "DELETE", "HEAD", "TRACE", "post", "NOPE"):
        yield verb, replace(plain, method=verb), "refusal-body" if form.modern else "allow"
    if form.modern:  # the handshake's GET opens a stream that never ends
        yield "GET", replace(plain, method="GET", body=b""), "refusal-body"


MIB = 1024 * 1024
ACCEPTED = (
    "application/json, text/event-stream",
    "*/*",
    "application/*, text/*",
    "text/event-stream;q=0.5,application/json",
)
NOT_ACCEPTED = (
    "",
    "application/json",
    "text/event-stream",
    "text/html",
    "application/jsonx, text/event-stream",
)
TYPES = ("application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "application/json;a=b")
NO_TYPES = (
    "",
    "text/plain",
    "application/xml",
    "application/jsonx",
    "application/json-rpc",
    "text/json",
    "multipart/form-data",
)


def accepting(form: Form) -> Iterator[Row]:
    for value in (*ACCEPTED, *NOT_ACCEPTED):
        refused = form.new("refusal-body") if value in NOT_ACCEPTED else ""
        yield repr(value), form.request("tools/call", {"name": "give_int"}, headers={"accept": value}), refused


def content_types(form: Form) -> Iterator[Row]:
    differs = dict.fromkeys(NO_TYPES, "content-type-status")
    differs |= dict.fromkeys(("application/jsonx", "application/json-rpc"), form.new("content-type-whole"))
    differs["APPLICATION/JSON"] = form.old("content-type-whole")
    for value in (*TYPES, *NO_TYPES):
        posted = form.request("tools/call", {"name": "give_int"}, headers={"content-type": value})
        yield repr(value), posted, differs.get(value, "")


def sizes(form: Form) -> Iterator[Row]:
    plain = form.request("tools/call", {"name": "give_int"})
    for length in ("99999999", "9" * 30, "-1", "x", "0", ""):
        refused = "refusal-body" if len(length) > 2 else ""
        posted = replace(plain, headers=(*plain.headers, ("content-length", length)))
        yield f"a content-length of {length!r}", posted, refused
    yield "5 MiB of blanks", replace(plain, body=b" " * (5 * MIB)), "refusal-body"
    yield "4 MiB and a byte", replace(plain, body=plain.body.ljust(4 * MIB + 1)), "refusal-body"
    yield "4 MiB", replace(plain, body=plain.body.ljust(4 * MIB))


FAMILIES = (messages, posted_answers, odd_messages)
FAMILIES_OF_AN_ERA = (bodies, verbs, accepting, content_types, sizes)
