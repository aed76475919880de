"""From bytes to one JSON-RPC message."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcp_django.transports.messages import BadMessage, read_message

VERSION_KEY = "io.modelcontextprotocol/protocolVersion"


def refused(body: bytes) -> tuple[int, str]:
    with pytest.raises(BadMessage) as error:
        read_message(body)
    return error.value.code, str(error.value)


def body_of(**members: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **members}).encode()


@pytest.mark.parametrize("request_id", [1, 0, -5, 2**53, "a", ""])
def test_a_request_has_an_id_a_method_and_params(request_id: int | str) -> None:
    message = read_message(body_of(id=request_id, method="tools/list", params={"cursor": "x"}))
    assert (message.id, message.method, message.params) == (request_id, "tools/list", {"cursor": "x"})
    assert message.raw["jsonrpc"] == "2.0"


@pytest.mark.parametrize("params", [{}, {"params": None}, {"params": {}}])
def test_params_may_be_missing(params: dict[str, Any]) -> None:
    message = read_message(body_of(id=1, method="ping", **params))
    assert not message.params
    assert not message.has_envelope


def test_a_notification_has_no_id() -> None:
    message = read_message(body_of(method="notifications/initialized"))
    assert (message.id, message.method) == (None, "notifications/initialized")


@pytest.mark.parametrize("members", [{"id": 1, "result": {}}, {"id": "a", "error": {"code": -32603, "message": "no"}}])
def test_a_response_has_no_method(members: dict[str, Any]) -> None:
    message = read_message(body_of(**members))
    assert (message.id, message.method, message.params) == (members["id"], None, None)


@pytest.mark.parametrize(
    "members",
    [
        {"result": {}},
        {"id": 1, "error": {}},
        {"id": 1, "error": "no"},
        {"id": 1, "result": 5},
        {"id": [], "result": {}},
    ],
)
def test_half_a_response_is_an_invalid_request(members: dict[str, Any]) -> None:
    assert refused(body_of(**members)) == (-32600, "The message is no JSON-RPC response.")


@pytest.mark.parametrize(
    ("params", "version", "there"),
    [
        ({"_meta": {VERSION_KEY: "2026-07-28"}}, "2026-07-28", True),
        ({"_meta": {VERSION_KEY: None}}, None, True),
        ({"_meta": {"progressToken": 1}}, None, False),
        ({"_meta": "x"}, None, False),
        ({"_meta": None}, None, False),
        ({}, None, False),
    ],
)
def test_a_message_of_2026_07_28_names_its_revision_itself(params: Any, version: str | None, there: bool) -> None:
    message = read_message(body_of(id=1, method="tools/list", params=params))
    assert (message.envelope_version, message.has_envelope) == (version, there)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"nonsense",
        b'{"jsonrpc": "2.0", "id": 1, "method": "a", }',
        b'{"jsonrpc": "2.0", "id": 1, "method": "\xff"}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "\\ud800"}',
        b"\xef\xbb\xbf{}",
        b'{"jsonrpc": "2.0", "id": 1, "method": "a", "params": {"a": NaN}}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "a", "params": {"a": Infinity}}',
        b"[" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"jsonrpc": "2.0"} {"jsonrpc": "2.0"}',
        "{}".encode("utf-16"),
    ],
    ids=range(14),
)
def test_what_is_no_json_in_utf_8_is_a_parse_error(body: bytes) -> None:
    code, message = refused(body)
    assert code == -32700
    assert message.startswith("Parse error: ")


def test_a_parse_error_repeats_nothing_of_the_body() -> None:
    assert "hunter2" not in refused(b'{"password": "hunter2", "\xff"}')[1]


@pytest.mark.parametrize("batch", [b"[]", b'[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]'])
def test_a_batch_is_an_invalid_request(batch: bytes) -> None:
    assert refused(batch) == (-32600, "Batches are not served: send one JSON-RPC message at a time.")


@pytest.mark.parametrize("body", [b"5", b'"x"', b"null", b"true"])
def test_what_is_no_object_is_an_invalid_request(body: bytes) -> None:
    assert refused(body) == (-32600, "The body must be one JSON-RPC message, an object.")


@pytest.mark.parametrize("version", ["1.0", "2", 2.0, None])
def test_another_version_of_json_rpc_is_an_invalid_request(version: Any) -> None:
    expected = (-32600, "The member 'jsonrpc' must be \"2.0\".")
    assert refused(json.dumps({"jsonrpc": version, "id": 1, "method": "ping"}).encode()) == expected
    assert refused(b'{"id": 1, "method": "ping"}') == expected


@pytest.mark.parametrize("request_id", [None, True, 1.5, [], {}])
def test_another_id_is_an_invalid_request(request_id: Any) -> None:
    expected = (-32600, "The member 'id' must be a string or an integer.")
    assert refused(body_of(id=request_id, method="ping")) == expected


@pytest.mark.parametrize("members", [{}, {"method": None}, {"method": 5}, {"method": ["ping"]}])
def test_another_method_is_an_invalid_request(members: dict[str, Any]) -> None:
    assert refused(body_of(id=1, **members)) == (-32600, "The member 'method' must be a string.")


@pytest.mark.parametrize("params", [[], [1], "x", 5, False])
def test_other_params_are_an_invalid_request(params: Any) -> None:
    assert refused(body_of(id=1, method="ping", params=params)) == (
        -32600,
        "The member 'params' must be an object.",
    )
