"""Headers against the envelope: protocol version, ``Mcp-Method``, ``Mcp-Name``, ``Mcp-Param-*`` and ``_meta``."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from mcp_types import CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY, PROTOCOL_VERSION_META_KEY
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, KNOWN_PROTOCOL_VERSIONS

from tests.differential.corpus.cases import PLAIN, Form, Row
from tests.differential.sides import ABSENT, Posted


def wrapped(text: str) -> str:
    """Write a header's value in the form for what isn't ASCII."""
    return f"=?base64?{b64encode(text.encode()).decode()}?="


def doubled(posted: Posted, name: str, value: str | None = None) -> Posted:
    """Add a second header of a name, with the same value or another."""
    first = posted.header(name) or ""
    return replace(posted, headers=(*posted.headers, (name, first if value is None else value)))


def call(form: Form, **options: Any) -> Posted:
    return form.request("tools/call", {"name": "give_int", "arguments": {}}, **options)


def versions(form: Form) -> Iterator[Row]:
    header = "mcp-protocol-version"
    other_era = form.new("envelope-decides")
    yield "missing", call(form, headers={header: ABSENT}), other_era
    for version in (*KNOWN_PROTOCOL_VERSIONS, "2099-01-01", "", "nope", "2026-07-28 ", "\xff"):
        differs = other_era if version in HANDSHAKE_PROTOCOL_VERSIONS else ""
        yield f"{version!r}", call(form, headers={header: version}), differs
    yield "doubled", doubled(call(form), header)
    yield "doubled, and the second is another", doubled(call(form), header, "2025-06-18")


def version_members(form: Form) -> Iterator[Row]:
    key = PROTOCOL_VERSION_META_KEY
    for version in (*KNOWN_PROTOCOL_VERSIONS, "2099-01-01", "", None, 20260728, ["2026-07-28"]):
        differs = "" if version == form.revision else form.old("envelope-decides")
        yield f"{version!r}", call(form, meta={key: version}), differs
    for version in ("2099-01-01", "nope"):
        yield (
            f"{version!r} in the header too",
            call(form, meta={key: version}, headers={"mcp-protocol-version": version}),
        )
    if form.modern:
        yield "missing", call(form, meta={key: ABSENT})


def capability_members(form: Form) -> Iterator[Row]:
    key = CLIENT_CAPABILITIES_META_KEY
    value: Any
    for value in (None, [], "x", {"nope": 1}, {"sampling": {}}, {"sampling": 1}, {"elicitation": {"form": {}}}):
        yield f"{value!r}", call(form, meta={key: value})
    if form.modern:
        yield "missing", call(form, meta={key: ABSENT})


def client_members(form: Form) -> Iterator[Row]:
    key = CLIENT_INFO_META_KEY
    value: Any
    for value in (None, [], "x", {"name": "c"}, {"name": "c", "version": "1", "nope": 1}, {"name": 1, "version": "1"}):
        yield f"{value!r}", call(form, meta={key: value})
    if form.modern:
        yield "missing", call(form, meta={key: ABSENT})


def metas(form: Form) -> Iterator[Row]:
    meta: Any
    for meta in (None, [], "x", 1, {}, {"example.org/a": 1}):
        message = json.loads(call(form).body)
        message["params"]["_meta"] = meta
        yield f"{meta!r}", form.post(message)
    for method in (PLAIN, "nope"):
        yield f"{method} without params", form.post({"jsonrpc": "2.0", "id": 1, "method": method})


def methods(form: Form) -> Iterator[Row]:
    header = "mcp-method"
    yield "missing", call(form, headers={header: ABSENT})
    for value in ("tools/list", "TOOLS/CALL", "", wrapped("tools/call"), " tools/call"):
        yield f"{value!r}", call(form, headers={header: value})
    if form.modern:
        yield "doubled", doubled(call(form), header)
        yield "doubled, and the second is another", doubled(call(form), header, "tools/list")
    yield "of an unknown method, wrong", form.request("nope", headers={header: "tools/list"})


def names(form: Form) -> Iterator[Row]:
    header = "mcp-name"
    yield "missing", call(form, headers={header: ABSENT})
    for value in ("take_any", "GIVE_INT", "", wrapped("give_int"), wrapped("take_any"), "=?base64?x?=", "=?base64??="):
        yield f"{value!r}", call(form, headers={header: value})
    if form.modern:
        yield "doubled", doubled(call(form), header)
    yield "not canonical base64", call(form, headers={header: "=?base64?Z2l2ZV9pbnR=?="})
    for method, params in (
        ("prompts/get", {"name": "say_plain"}),
        ("resources/read", {"uri": "static://text"}),
        ("resources/read", {"uri": "files://ż"}),
    ):
        value = next(iter(params.values()))
        yield f"{method} {value}, wrapped", form.request(method, params, headers={header: wrapped(value)})
        yield f"{method} {value}, wrong", form.request(method, params, headers={header: "nope"})
        yield f"{method} {value}, missing", form.request(method, params, headers={header: ABSENT})
    yield "of a list", form.request(PLAIN, headers={header: "nope"})


PARAMS = {"region": "eu"}
REGION, ZONE, STRICT = "mcp-param-region", "mcp-param-zone", "mcp-param-strict"


def mirrored(form: Form, arguments: dict[str, Any], headers: dict[str, str]) -> Posted:
    return form.request("tools/call", {"name": "take_mirrored", "arguments": arguments}, headers=headers)


def mirrored_params(form: Form) -> Iterator[Row]:
    yield "as it should be", mirrored(form, PARAMS, {REGION: "eu"})
    yield "missing", mirrored(form, PARAMS, {})
    yield "wrong", mirrored(form, PARAMS, {REGION: "us"})
    yield "in capitals", mirrored(form, PARAMS, {REGION: "EU"})
    yield "wrapped", mirrored(form, PARAMS, {REGION: wrapped("eu")})
    yield "wrapped and wrong", mirrored(form, PARAMS, {REGION: wrapped("us")})
    yield "wrapped badly", mirrored(form, PARAMS, {REGION: "=?base64?x?="})
    yield "not ASCII", mirrored(form, {"region": "ż"}, {REGION: wrapped("ż")})
    yield "not ASCII, and not wrapped", mirrored(form, {"region": "é"}, {REGION: "é"})
    yield "empty", mirrored(form, {"region": ""}, {REGION: ""})
    yield "of an argument that isn't there", mirrored(form, PARAMS, {REGION: "eu", ZONE: "1"})
    yield "of an argument that is null", mirrored(form, {**PARAMS, "zone": None}, {REGION: "eu"})
    yield "of no parameter", mirrored(form, PARAMS, {REGION: "eu", "mcp-param-nope": "1"})
    yield "of an object", mirrored(form, {"region": {"a": 1}}, {REGION: "eu"})
    yield (
        "of a tool that mirrors nothing",
        form.request(
            "tools/call", {"name": "take_literal", "arguments": {"mode": "slow"}}, headers={"mcp-param-mode": "fast"}
        ),
    )
    yield (
        "of an unknown tool",
        form.request("tools/call", {"name": "nope", "arguments": {}}, headers={REGION: "eu"}),
        "unknown-tool",
    )
    good = mirrored(form, PARAMS, {REGION: "eu"})
    yield "doubled", doubled(good, REGION)
    yield "doubled, and the second is another", doubled(good, REGION, "us")
    unknown = mirrored(form, PARAMS, {REGION: "eu", "mcp-param-nope": "1"})
    yield "of no parameter, doubled", doubled(unknown, "mcp-param-nope"), form.new("doubled-unknown-param")


def mirrored_scalars(form: Form) -> Iterator[Row]:
    for value, text in ((1, "1"), (1, "1.0"), (1, "01"), (1, "2"), (1, "1e0"), (True, "1"), ("1", "1"), (1.0, "1")):
        yield f"the number {value!r} as {text!r}", mirrored(form, {**PARAMS, "zone": value}, {REGION: "eu", ZONE: text})
    for flag, text in ((True, "true"), (True, "True"), (False, "false"), (True, "1")):
        yield f"the flag {flag!r} as {text!r}", mirrored(form, {**PARAMS, "strict": flag}, {REGION: "eu", STRICT: text})


def sessions(form: Form) -> Iterator[Row]:
    yield "a session id", call(form, headers={"mcp-session-id": "0123"})
    yield "the id of an event", call(form, headers={"last-event-id": "7"})


FAMILIES = (
    versions,
    version_members,
    capability_members,
    client_members,
    metas,
    methods,
    names,
    mirrored_params,
    mirrored_scalars,
    sessions,
)
