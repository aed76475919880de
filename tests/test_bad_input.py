"""Bad requests: each gets the error that the specification names, and the worker lives on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from mcp_types import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    PROTOCOL_VERSION_META_KEY,
    UNSUPPORTED_PROTOCOL_VERSION,
)
from pytest_django import Settings

from mcp_django import MCPServer
from tests.bad_input import REVISIONS, call_tool, living_on, unfinished, unread
from tests.differential.corpus import MODERN, Form
from tests.differential.corpus.envelopes import BROKEN, NO_MESSAGES
from tests.differential.corpus.headers import doubled
from tests.differential.sides import ABSENT, ask
from tests.wire import JSON_HEADERS, Call

pytestmark = pytest.mark.anyio

MIB = 1024 * 1024


@pytest.fixture(params=REVISIONS)
def form(request: pytest.FixtureRequest) -> Form:
    return Form(request.param)


@pytest.fixture(autouse=True)
async def _the_worker_lives_on(server: MCPServer, application: Any) -> AsyncIterator[None]:
    @server.tool
    async def add(a: int, b: float = 0, note: str = "") -> float:
        return a + b

    async with living_on(server, application):
        yield


# Bytes


@pytest.mark.parametrize("name", [name for name in BROKEN if name != "a huge exponent"])
async def test_what_is_no_json_is_a_parse_error(application: Any, form: Form, name: str) -> None:
    answer = await ask(application, form.raw(BROKEN[name]))
    assert (answer.status, answer.error_code, answer.last["id"]) == (400, PARSE_ERROR, None)


@pytest.mark.parametrize("text", ['"\\ud800"', '"\\udc00\\ud800"', '{"\\udfff": 1}', '["a\\ud83d"]'])
async def test_a_lone_surrogate_is_a_parse_error(application: Any, form: Form, text: str) -> None:
    body = b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":%s}}' % text.encode()
    answer = await ask(application, form.raw(body))
    assert (answer.status, answer.error_code) == (400, PARSE_ERROR)


async def test_json_that_is_10_000_deep_in_an_argument_is_a_parse_error(application: Any, form: Form) -> None:
    body = form.request("tools/call", {"name": "add", "arguments": {"a": "DEEP"}})
    deep = replace(body, body=body.body.replace(b'"DEEP"', b"[" * 10_000 + b"]" * 10_000))
    answer = await ask(application, deep)
    assert (answer.status, answer.error_code) == (400, PARSE_ERROR)


@pytest.mark.parametrize("number", [10**30, -(10**300), 10**4000])
async def test_a_huge_number_is_one_or_is_refused_by_name(application: Any, form: Form, number: int) -> None:
    answer = await call_tool(application, form.revision, "add", {"a": 1, "b": number})
    assert answer.status == 200
    assert not answer.result["isError"] or "b:" in answer.result["content"][0]["text"]


# Envelopes


@pytest.mark.parametrize("name", NO_MESSAGES)
async def test_what_is_no_message_is_an_invalid_request(application: Any, form: Form, name: str) -> None:
    answer = await ask(application, form.post(NO_MESSAGES[name]))
    assert (answer.status, answer.error_code, answer.last["id"]) == (400, INVALID_REQUEST, None)


@pytest.mark.parametrize("count", [0, 1, 2, 1000])
async def test_a_batch_is_an_invalid_request(application: Any, form: Form, count: int) -> None:
    answer = await ask(application, form.post([{"jsonrpc": "2.0", "id": 1, "method": "ping"}] * count))
    assert (answer.status, answer.error_code, answer.last["id"]) == (400, INVALID_REQUEST, None)


@pytest.mark.parametrize("version", ["1.0", "2", "2.0 ", "", None, 2, 2.0, ["2.0"]])
async def test_another_version_of_json_rpc_is_an_invalid_request(application: Any, form: Form, version: Any) -> None:
    answer = await ask(application, form.post({"jsonrpc": version, "id": 1, "method": "ping"}))
    assert (answer.status, answer.error_code) == (400, INVALID_REQUEST)


async def test_a_posted_response_is_taken_in_the_handshake_revisions_only(application: Any, form: Form) -> None:
    answer = await ask(application, form.post({"jsonrpc": "2.0", "id": 1, "result": {}}))
    assert answer.status == (400 if form.modern else 202)


@pytest.mark.parametrize("params", [None, {}, {"requestId": []}, {"requestId": "nobody's"}])
async def test_a_notification_gets_202_whatever_it_says(application: Any, form: Form, params: Any) -> None:
    answer = await ask(application, form.notification("notifications/cancelled", params))
    assert (answer.status, answer.form) == (202, "empty")


# Methods, names and arguments


@pytest.mark.parametrize("method", ["nope", "", "tools/", "TOOLS/LIST", "resources/subscribe", "\x00", "ż" * 1000])
async def test_an_unknown_method_is_not_found(application: Any, form: Form, method: str) -> None:
    headers = {"mcp-method": method} if method.isascii() else {"mcp-method": "nope"}
    answer = await ask(application, form.request(method, {"uri": "a://b"}, headers=headers))
    if form.modern and not method.isascii():
        assert (answer.status, answer.error_code) == (400, HEADER_MISMATCH)
    else:
        assert (answer.status, answer.error_code) == (404 if form.modern else 200, METHOD_NOT_FOUND)
    assert answer.last["id"] == 1


@pytest.mark.parametrize("name", ["nope", "", "ADD", "add ", "__class__"])
async def test_an_unknown_tool_is_invalid_params(application: Any, form: Form, name: str) -> None:
    answer = await ask(application, form.request("tools/call", {"name": name, "arguments": {}}))
    assert (answer.status, answer.error_code) == (400 if form.modern else 200, INVALID_PARAMS)


@pytest.mark.parametrize("name", [None, 1, True, [], {}])
async def test_a_name_that_is_no_string_is_invalid_params(application: Any, form: Form, name: Any) -> None:
    answer = await ask(application, form.request("tools/call", {"name": name, "arguments": {}}))
    code = HEADER_MISMATCH if form.modern and name is not None else INVALID_PARAMS  # no header can say it
    assert (answer.status, answer.error_code) == (400 if form.modern else 200, code)


@pytest.mark.parametrize("arguments", [[], "{}", 1, True])
async def test_arguments_that_are_no_object_are_invalid_params(application: Any, form: Form, arguments: Any) -> None:
    answer = await ask(application, form.request("tools/call", {"name": "add", "arguments": arguments}))
    assert (answer.status, answer.error_code) == (400 if form.modern else 200, INVALID_PARAMS)


@pytest.mark.parametrize("value", ["hunter2", None, [], {}, 1.5, {"hunter2": 1}])
async def test_a_wrong_type_is_told_by_name_and_without_the_value(application: Any, form: Form, value: Any) -> None:
    answer = await call_tool(application, form.revision, "add", {"a": value})
    text = answer.result["content"][0]["text"]
    assert answer.status == 200
    assert answer.result["isError"]
    assert "a:" in text
    assert "hunter2" not in text


async def test_extra_arguments_are_told_by_name(application: Any, form: Form) -> None:
    answer = await call_tool(application, form.revision, "add", {"a": 1, "c": 1, "self": 1})
    text = answer.result["content"][0]["text"]
    assert answer.result["isError"]
    assert "c: there is no such argument" in text
    assert "self: there is no such argument" in text


# Headers


@pytest.mark.parametrize("header", ["mcp-protocol-version", "mcp-method", "mcp-name"])
@pytest.mark.parametrize("value", [ABSENT, "", "nope", "2025-06-18"])
async def test_a_header_that_is_missing_or_disagrees_is_a_mismatch(application: Any, header: str, value: str) -> None:
    posted = Form(MODERN).request("tools/call", {"name": "add", "arguments": {"a": 1}}, headers={header: value})
    answer = await ask(application, posted)
    assert (answer.status, answer.error_code, answer.last["id"]) == (400, HEADER_MISMATCH, 1)


@pytest.mark.parametrize("header", ["mcp-protocol-version", "mcp-method", "mcp-name"])
async def test_a_doubled_header_is_a_mismatch(application: Any, header: str) -> None:
    posted = Form(MODERN).request("tools/call", {"name": "add", "arguments": {"a": 1}})
    answer = await ask(application, doubled(posted, header))
    assert (answer.status, answer.error_code, answer.last["id"]) == (400, HEADER_MISMATCH, 1)


@pytest.mark.parametrize("version", ["2099-01-01", "nope", "2026-07-28-draft"])
async def test_an_unknown_revision_is_told_which_are_served(application: Any, version: str) -> None:
    meta = {PROTOCOL_VERSION_META_KEY: version}
    posted = Form(MODERN).request("server/discover", meta=meta, headers={"mcp-protocol-version": version})
    answer = await ask(application, posted)
    assert (answer.status, answer.error_code) == (400, UNSUPPORTED_PROTOCOL_VERSION)
    assert answer.error["data"] == {"supported": [MODERN], "requested": version}


# HTTP


@pytest.mark.parametrize("verb", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "NOPE"])
async def test_another_verb_is_405_and_told_of_post(application: Any, form: Form, verb: str) -> None:
    answer = await ask(application, replace(form.request("tools/list"), method=verb))
    assert (answer.status, answer.allow) == (405, "POST")


@pytest.mark.parametrize("accept", [ABSENT, "", "application/json", "text/event-stream", "text/html", ",;,"])
async def test_a_client_that_takes_not_both_forms_is_406(application: Any, form: Form, accept: str) -> None:
    answer = await ask(application, form.request("tools/list", headers={"accept": accept}))
    assert (answer.status, answer.error_code) == (406, INVALID_REQUEST)


@pytest.mark.parametrize(
    "kind", [ABSENT, "", "text/plain", "application/jsonx", "multipart/form-data; boundary=a", ";"]
)
async def test_what_is_not_labelled_json_is_415(application: Any, form: Form, kind: str) -> None:
    answer = await ask(application, form.request("tools/list", headers={"content-type": kind}))
    assert (answer.status, answer.error_code) == (415, INVALID_REQUEST)


@pytest.mark.parametrize("length", [None, "1", "5242880", "nonsense"])
@pytest.mark.parametrize("chunks", [1, 5, 80])
async def test_5_mib_are_413_however_they_come(application: Any, length: str | None, chunks: int) -> None:
    for revision in REVISIONS:
        posted = Form(revision).request("tools/call", {"name": "add", "arguments": {"a": 1, "note": "x" * (5 * MIB)}})
        size = len(posted.body) // chunks + 1
        parts = [posted.body[at : at + size] for at in range(0, len(posted.body), size)]
        headers = [*JSON_HEADERS.items(), *posted.headers, *([("content-length", length)] if length else [])]
        call = Call(application, headers=headers, chunks=parts)
        response = await call.finished()
        assert (response.status, response.json["error"]["code"]) == (413, INVALID_REQUEST)
        assert unread(call) >= (chunks if length == "5242880" else chunks // 5 - 1)


async def test_a_body_of_just_the_size_is_served(application: Any, form: Form, settings: Settings) -> None:
    posted = form.request("tools/call", {"name": "add", "arguments": {"a": 1}})
    settings.MCP_DJANGO = {"AUTH": "none", "MAX_BODY_BYTES": len(posted.body)}
    assert (await ask(application, posted)).status == 200
    assert (await ask(application, replace(posted, body=posted.body + b" "))).status == 413


@pytest.mark.parametrize("parts", [[], [b""], [b'{"jsonrpc":"2.0"', b',"id":1']])
async def test_a_client_that_leaves_before_its_body_is_whole_gets_nothing(application: Any, parts: list[bytes]) -> None:
    call = unfinished(application, parts)
    call.disconnect()
    response = await call.finished()
    assert response.status == 0


HOSTS: dict[str, tuple[list[str], str, str | None, int]] = {
    "one of ours": (["example.org"], "example.org", None, 200),
    "with a port": (["example.org"], "example.org:8000", None, 200),
    "in capitals": (["example.org"], "EXAMPLE.ORG", None, 200),
    "below a wildcard": ([".example.org"], "mcp.example.org", None, 200),
    "any": (["*"], "evil.example", None, 200),
    "IPv6": (["[::1]"], "[::1]:8000", None, 200),
    "somebody else's": (["example.org"], "evil.example", None, 421),
    "one that ends like ours": (["example.org"], "notexample.org", None, 421),
    "one that begins like ours": (["example.org"], "example.org.evil.example", None, 421),
    "none": (["example.org"], "", None, 421),
    "with a user": (["example.org"], "evil@example.org", None, 421),
    "with a slash": (["example.org"], "example.org/evil", None, 421),
    "our origin": (["example.org"], "example.org", "https://example.org", 200),
    "our origin with a port": (["example.org"], "example.org", "http://example.org:3000", 200),
    "an origin of somebody else's": (["example.org"], "example.org", "https://evil.example", 403),
    "a sandboxed origin": (["example.org"], "example.org", "null", 403),
    "an empty origin": (["example.org"], "example.org", "", 403),
    "an origin without a scheme": (["example.org"], "example.org", "example.org", 403),
    "an origin that is no web page": (["example.org"], "example.org", "chrome-extension://example.org", 403),
    "an origin that is no URL": (["example.org"], "example.org", "https://[", 403),
    "an origin of somebody else's, any host": (["*"], "example.org", "https://evil.example", 403),
    "the origin of the host asked for, any host": (["*"], "example.org", "https://example.org", 200),
    "a trusted origin": (["example.org"], "example.org", "https://trusted.example", 200),
    "below a trusted wildcard": (["example.org"], "example.org", "https://a.wild.example", 200),
    "a trusted origin of another scheme": (["example.org"], "example.org", "http://trusted.example", 403),
}


@pytest.mark.parametrize("name", HOSTS)
async def test_host_and_origin_are_checked(application: Any, settings: Settings, name: str) -> None:
    allowed, host, origin, status = HOSTS[name]
    settings.ALLOWED_HOSTS = [*allowed, "testserver"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://trusted.example", "https://*.wild.example"]
    headers = {"host": host, "origin": ABSENT if origin is None else origin}
    for revision in REVISIONS:
        posted = Form(revision).request("tools/call", {"name": "add", "arguments": {"a": 1}}, headers=headers)
        assert (await ask(application, posted)).status == status
