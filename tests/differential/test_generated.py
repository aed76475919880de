"""Both servers answer alike what Hypothesis makes up, but for what the table of known differences says.

The examples are the same in every run. ``DIFFERENTIAL_EXAMPLES=5000 pytest tests/differential`` looks for new ones.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp_types import CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY, PROTOCOL_VERSION_META_KEY

from tests.differential.components import PROMPTS, RESOURCES
from tests.differential.corpus import MODERN, REVISIONS, Form
from tests.differential.corpus.calls import BAD, GOOD
from tests.differential.corpus.headers import wrapped
from tests.differential.corpus.lifecycle import LISTS, UNKNOWN_METHODS
from tests.differential.differences import compare
from tests.differential.pair import ask_both
from tests.differential.report import report
from tests.differential.sides import ABSENT, Posted, Sides

pytestmark = pytest.mark.anyio

EXAMPLES = int(os.environ.get("DIFFERENTIAL_EXAMPLES", "0"))
BOUNDED = settings(
    max_examples=EXAMPLES or 60,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
FORMS = st.sampled_from(REVISIONS).map(Form)
METHODS = st.sampled_from(
    [
        *LISTS,
        *UNKNOWN_METHODS,
        "initialize",
        "ping",
        "server/discover",
        "logging/setLevel",
        "tools/call",
        "resources/read",
        "prompts/get",
        "completion/complete",
    ]
)


def mostly(usual: st.SearchStrategy[Any], odd: st.SearchStrategy[Any] = VALUES) -> st.SearchStrategy[Any]:
    """Draw the usual three times out of four."""
    return st.integers(0, 3).flatmap(lambda draw: usual if draw else odd)


async def _check(sides: Sides, posted: Posted) -> None:
    _, leveled = compare(await ask_both(sides, posted))
    assert not report(leveled), f"{posted}\n{report(leveled)}"


ENVELOPES = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": mostly(st.just("2.0")),
        "id": mostly(st.integers() | st.text(max_size=5)),
        "method": mostly(METHODS),
        "params": mostly(st.dictionaries(st.sampled_from(["name", "uri", "cursor", "arguments", "_meta"]), VALUES)),
        "result": VALUES,
        "error": VALUES,
        "extra": VALUES,
    },
)


@BOUNDED
@given(form=FORMS, message=ENVELOPES | VALUES)
async def test_envelopes(sides: Sides, form: Form, message: Any) -> None:
    await _check(sides, form.post(message))


@BOUNDED
@given(form=FORMS, body=st.binary(max_size=40) | st.text(alphabet='{}[]",:0123456789eE+-. \\nutrlfas', max_size=40))
async def test_bodies(sides: Sides, form: Form, body: bytes | str) -> None:
    await _check(sides, form.raw(body.encode() if isinstance(body, str) else body))


NAMES = [*GOOD, *PROMPTS, *RESOURCES, "nope", ""]
PARAMS = st.dictionaries(
    st.sampled_from(
        ["name", "uri", "cursor", "arguments", "level", "ref", "argument", "protocolVersion", "capabilities"]
    ),
    mostly(st.sampled_from(NAMES) | st.just({}) | st.just({"type": "ref/prompt", "name": "say_plain"})),
)


@BOUNDED
@given(form=FORMS, method=METHODS, params=mostly(PARAMS), id=st.integers() | st.text(max_size=5))
async def test_params(sides: Sides, form: Form, method: str, params: Any, id: int | str) -> None:
    await _check(sides, form.request(method, params, id=id))


SAMPLES = {
    name: [value for arguments in (*GOOD[name], *BAD.get(name, ())) for value in arguments.values()] for name in GOOD
}


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Make a call of a tool that takes arguments, with some of its own and some of anybody's."""
    name = draw(st.sampled_from([name for name, values in SAMPLES.items() if values]))
    known = sorted({key for arguments in GOOD[name] for key in arguments})
    keys = draw(st.lists(mostly(st.sampled_from(known), st.text(max_size=5)), unique=True, max_size=4))
    return name, {key: draw(mostly(st.sampled_from(SAMPLES[name]))) for key in keys}


@BOUNDED
@given(form=FORMS, call=calls())
async def test_arguments(sides: Sides, form: Form, call: tuple[str, dict[str, Any]]) -> None:
    name, arguments = call
    await _check(sides, form.request("tools/call", {"name": name, "arguments": arguments}))


SCHEMES = sorted({uri.partition("{")[0] for uri in RESOURCES} | {"nope://"})
PIECES = [
    "a",
    "b",
    "1",
    "/",
    ".",
    "..",
    "%2F",
    "%2e",
    "%00",
    "%",
    "?",
    "limit=",
    "offset=",
    "&",
    "#",
    "\\",
    ":",
    "ż",
    " ",
]


@BOUNDED
@given(form=FORMS, scheme=st.sampled_from(SCHEMES), rest=st.lists(st.sampled_from(PIECES), max_size=6).map("".join))
async def test_uris(sides: Sides, form: Form, scheme: str, rest: str) -> None:
    await _check(
        sides, form.request("resources/read", {"uri": scheme + rest}, headers={"mcp-name": wrapped(scheme + rest)})
    )


REQUESTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("tools/call", {"name": "take_mirrored", "arguments": {"region": "eu", "zone": 1, "strict": True}}),
    ("prompts/get", {"name": "say_plain"}),
    ("resources/read", {"uri": "static://text"}),
    ("server/discover", {}),
    ("ping", {}),
)
HEADER_VALUES = st.sampled_from(
    [
        ABSENT,
        "",
        "eu",
        "1",
        "1.0",
        "true",
        "say_plain",
        "static://text",
        wrapped("eu"),
        "=?base64?x?=",
        "nope",
        *REVISIONS,
    ]
) | st.sampled_from([method for method, _ in REQUESTS])
HEADERS = st.dictionaries(
    st.sampled_from(
        ["mcp-protocol-version", "mcp-method", "mcp-name", "mcp-param-region", "mcp-param-zone", "mcp-param-strict"]
    ),
    HEADER_VALUES,
    max_size=3,
)


@BOUNDED
@given(form=FORMS, request=st.sampled_from(REQUESTS), headers=HEADERS)
async def test_headers(sides: Sides, form: Form, request: Any, headers: dict[str, str]) -> None:
    method, params = request
    right = {"mcp-param-region": "eu", "mcp-param-zone": "1", "mcp-param-strict": "true"}
    await _check(sides, form.request(method, params, headers={**right, **headers}))


METAS = st.dictionaries(
    st.sampled_from(
        [
            PROTOCOL_VERSION_META_KEY,
            CLIENT_CAPABILITIES_META_KEY,
            CLIENT_INFO_META_KEY,
            "io.modelcontextprotocol/logLevel",
            "progressToken",
            "example.org/a",
        ]
    ),
    mostly(st.sampled_from([ABSENT, MODERN, "2025-11-25", {}, {"name": "c", "version": "1"}, "info", 7])),
    max_size=3,
)


@BOUNDED
@given(form=FORMS, meta=METAS, tool=st.sampled_from(["report_twice", "log_levels", "give_int"]))
async def test_metas(sides: Sides, form: Form, meta: dict[str, Any], tool: str) -> None:
    await _check(sides, form.request("tools/call", {"name": tool, "arguments": {}}, meta=meta))
