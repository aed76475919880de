"""What the library leans on in the SDK: a test for each seam, so that a new release fails here, by name.

This file has the protocol; ``test_sdk_contract_of_fastmcp.py`` what ported code is handed, ``..._of_helpers.py`` the
rest of the SDK, and ``..._of_asgiref.py`` the few things of asgiref that its documentation doesn't promise.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import mcp_types
import pytest
from mcp.shared import inbound
from mcp_types import methods, version
from pydantic import BaseModel, ValidationError

import mcp_django
from mcp_django.engine.compile import HEADER_KEY
from mcp_django.engine.dispatcher import METHODS
from mcp_django.engine.rounds import MAY_ASK

SOURCE = Path(mcp_django.__file__).parent
MODERN, HANDSHAKE = "2026-07-28", "2025-11-25"
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {"sampling": {}},
    "io.modelcontextprotocol/clientInfo": {"name": "c", "version": "1"},
}
HEADERS = {"mcp-protocol-version": MODERN, "mcp-method": "tools/call", "mcp-name": "add"}


def _imports(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in ("mcp", "mcp_types"):
            yield from ((node.module or "", alias.name) for alias in node.names)


SEAMS = sorted({seam for path in SOURCE.rglob("*.py") for seam in _imports(path)})
"""Module and name of everything that the library imports from the SDK."""


@pytest.mark.parametrize(("module", "name"), SEAMS)
def test_what_is_imported_is_there(module: str, name: str) -> None:
    assert hasattr(import_module(module), name)


def test_everything_imported_has_a_contract() -> None:
    """A name that the library begins to use needs a test of what is expected of it, in one of these files."""
    files = Path(__file__).parent.glob("test_sdk_contract*.py")
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    used = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    used |= {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert not {name for _, name in SEAMS} - used


def test_no_private_module_is_imported() -> None:
    assert not [module for module, name in SEAMS if any(part.startswith("_") for part in f"{module}.{name}".split("."))]


# mcp.shared.inbound


def _classify(headers: dict[str, str] | None = None, changes: dict[str, str] | None = None) -> Any:
    meta = {key: value for key, value in {**ENVELOPE, **(changes or {})}.items() if value != "absent"}
    params = {"name": "add", "arguments": {}, "_meta": meta}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return inbound.classify_inbound_request(body, headers={**HEADERS, **(headers or {})})


def test_inbound_modern_route_takes_version_info_and_capabilities_in_this_order() -> None:
    route = inbound.InboundModernRoute("2026-07-28", {"name": "x"}, {})
    assert (route.protocol_version, route.client_info, route.client_capabilities) == ("2026-07-28", {"name": "x"}, {})


def test_name_bearing_methods_say_which_parameter_mcp_name_mirrors() -> None:
    assert dict(inbound.NAME_BEARING_METHODS) == {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}


def test_classify_inbound_request_routes_a_good_request() -> None:
    route = _classify()
    assert not isinstance(route, inbound.InboundLadderRejection)
    assert route.protocol_version == MODERN
    assert route.client_info == {"name": "c", "version": "1"}
    assert route.client_capabilities == {"sampling": {}}


def test_classify_inbound_request_needs_no_client_info() -> None:
    assert _classify(changes={"io.modelcontextprotocol/clientInfo": "absent"}).client_info is None


@pytest.mark.parametrize(
    ("headers", "changes", "code"),
    [
        ({}, {"io.modelcontextprotocol/protocolVersion": "absent"}, -32602),
        ({}, {"io.modelcontextprotocol/clientCapabilities": "absent"}, -32602),
        ({"mcp-protocol-version": "2025-11-25"}, {}, -32020),
        ({"mcp-method": "tools/list"}, {}, -32020),
        ({"mcp-name": "other"}, {}, -32020),
        ({"mcp-name": "=?base64?x?="}, {}, -32020),
        ({"mcp-protocol-version": "2099-01-01"}, {"io.modelcontextprotocol/protocolVersion": "2099-01-01"}, -32022),
    ],
)
def test_classify_inbound_request_rejects(headers: dict[str, str], changes: dict[str, str], code: int) -> None:
    rejection = _classify(headers, changes)
    assert isinstance(rejection, inbound.InboundLadderRejection)
    assert (rejection.code, bool(rejection.message)) == (code, True)


def test_classify_inbound_request_takes_no_headers_on_stdio() -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": ENVELOPE}}
    route = inbound.classify_inbound_request(body)
    assert isinstance(route, inbound.InboundModernRoute)
    assert route.protocol_version == MODERN


def test_classify_inbound_request_decodes_mcp_name() -> None:
    assert not isinstance(_classify({"mcp-name": "=?base64?YWRk?="}), inbound.InboundLadderRejection)


def test_error_code_http_status() -> None:
    codes = (-32700, -32600, -32602, -32020, -32021, -32022)
    assert [inbound.ERROR_CODE_HTTP_STATUS.get(code, 200) for code in codes] == [400] * 6
    assert inbound.ERROR_CODE_HTTP_STATUS[-32601] == 404
    assert -32603 not in inbound.ERROR_CODE_HTTP_STATUS


def test_unsupported_protocol_version_rejection() -> None:
    assert inbound.unsupported_protocol_version_rejection(MODERN) is None
    rejection = inbound.unsupported_protocol_version_rejection("2099-01-01")
    assert rejection is not None
    assert (rejection.code, rejection.data) == (-32022, {"supported": [MODERN], "requested": "2099-01-01"})


MIRRORED = {
    "type": "object",
    "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "where": {"type": "object", "properties": {"zone": {"type": "integer", "x-mcp-header": "Zone"}}},
        "plain": {"type": "string"},
    },
}


def test_x_mcp_header_map() -> None:
    assert inbound.x_mcp_header_map(MIRRORED) == {("region",): "Region", ("where", "zone"): "Zone"}
    assert not inbound.x_mcp_header_map({"type": "object", "properties": {"plain": {"type": "string"}}})


@pytest.mark.parametrize("schema", [{"type": "number"}, {"type": ["string", "null"]}, {"anyOf": []}, {}])
def test_find_invalid_x_mcp_header(schema: dict[str, Any]) -> None:
    assert inbound.find_invalid_x_mcp_header(MIRRORED) is None
    bad = {"type": "object", "properties": {"a": {**schema, "x-mcp-header": "A"}}}
    assert isinstance(inbound.find_invalid_x_mcp_header(bad), str)


@pytest.mark.parametrize(
    ("arguments", "headers", "code"),
    [
        ({"region": "eu"}, {"mcp-param-region": "eu"}, None),
        ({"region": "ż"}, {"mcp-param-region": "=?base64?xbw=?="}, None),
        ({"where": {"zone": 42}}, {"mcp-param-zone": "42.0"}, None),
        ({"region": None}, {}, None),
        ({"plain": "x"}, {"mcp-param-plain": "y"}, None),
        ({"region": "eu"}, {}, -32020),
        ({"region": "eu"}, {"mcp-param-region": "us"}, -32020),
        ({}, {"mcp-param-region": "eu"}, -32020),
        ({"region": "eu"}, {"mcp-param-region": "=?base64?x?="}, -32020),
    ],
)
def test_validate_mcp_param_headers(arguments: dict[str, Any], headers: dict[str, str], code: int | None) -> None:
    rejection = inbound.validate_mcp_param_headers(MIRRORED, arguments, headers)
    assert (rejection.code if rejection else None) == code


# mcp_types


def test_version_constants() -> None:
    assert version.HANDSHAKE_PROTOCOL_VERSIONS == ("2024-11-05", "2025-03-26", "2025-06-18", HANDSHAKE)
    assert version.MODERN_PROTOCOL_VERSIONS == (MODERN,)
    assert (version.LATEST_HANDSHAKE_VERSION, version.LATEST_MODERN_VERSION) == (HANDSHAKE, MODERN)


def test_error_codes_and_keys() -> None:
    assert mcp_types.PARSE_ERROR == -32700
    assert mcp_types.INVALID_REQUEST == -32600
    assert mcp_types.METHOD_NOT_FOUND == -32601
    assert mcp_types.INVALID_PARAMS == -32602
    assert mcp_types.INTERNAL_ERROR == -32603
    assert mcp_types.HEADER_MISMATCH == -32020
    assert mcp_types.MISSING_REQUIRED_CLIENT_CAPABILITY == -32021
    assert mcp_types.UNSUPPORTED_PROTOCOL_VERSION == -32022
    assert mcp_types.PROTOCOL_VERSION_META_KEY == "io.modelcontextprotocol/protocolVersion"
    assert mcp_types.CLIENT_CAPABILITIES_META_KEY == "io.modelcontextprotocol/clientCapabilities"
    assert mcp_types.CLIENT_INFO_META_KEY == "io.modelcontextprotocol/clientInfo"
    assert mcp_types.SERVER_INFO_META_KEY == "io.modelcontextprotocol/serverInfo"


def test_client_requests_say_which_revision_knows_a_method() -> None:
    known = {method for method, _ in methods.CLIENT_REQUESTS}
    assert set(METHODS) <= known
    assert ("server/discover", HANDSHAKE) not in methods.CLIENT_REQUESTS
    assert ("initialize", MODERN) not in methods.CLIENT_REQUESTS
    assert ("tools/list", "1999-01-01") not in methods.CLIENT_REQUESTS


@pytest.mark.parametrize("revision", [*version.HANDSHAKE_PROTOCOL_VERSIONS, MODERN])
def test_client_requests_check_a_request(revision: str) -> None:
    """The dispatcher asks pydantic's own validator of the model, which spares a call in between."""
    schema = methods.CLIENT_REQUESTS["tools/call", revision]
    meta = {"_meta": ENVELOPE} if revision == MODERN else {}
    message = {"jsonrpc": "2.0", "id": 0, "method": "tools/call", "params": {"name": "add", **meta}}
    schema.__pydantic_validator__.validate_python(message, by_name=False)
    with pytest.raises(ValidationError) as refused:
        schema.__pydantic_validator__.validate_python({**message, "params": meta}, by_name=False)
    assert ("params", "name") in [each["loc"] for each in refused.value.errors()]


@pytest.mark.parametrize("method", METHODS)
def test_server_results_have_the_complete_form_first_and_the_question_second(method: str) -> None:
    for revision in (HANDSHAKE, MODERN):
        row = methods.SERVER_RESULTS.get((method, revision))
        forms = get_args(row) or ((row,) if row else ())
        assert len(forms) <= 2
        assert (len(forms) == 2) == (revision == MODERN and method in methods.INPUT_REQUIRED_METHODS)
        assert all(issubclass(form, BaseModel) for form in forms)
        if len(forms) == 2:
            assert ["input_requests" in form.model_fields for form in forms] == [False, True]


def test_is_input_required() -> None:
    assert methods.is_input_required({"resultType": "input_required"})
    assert not methods.is_input_required({"resultType": "complete", "content": []})


def test_serialize_server_result_keeps_what_the_revision_knows() -> None:
    result = {"content": [], "isError": False, "structuredContent": {"a": None}, "resultType": "complete", "nope": 1}
    assert methods.serialize_server_result("tools/call", HANDSHAKE, result) == {
        "content": [],
        "isError": False,
        "structuredContent": {"a": None},
    }
    with pytest.raises(ValidationError):
        methods.serialize_server_result("tools/call", HANDSHAKE, {"content": 3})


def test_models_that_authors_return_dump_as_the_wire_wants_them() -> None:
    text = mcp_types.TextContent(type="text", text="t")
    result = mcp_types.CallToolResult(content=[text], structured_content={"a": 1}, is_error=False, _meta={"b": 2})
    assert result.model_dump(by_alias=True, mode="json", exclude_none=True) == {
        "_meta": {"b": 2},
        "content": [{"type": "text", "text": "t"}],
        "structuredContent": {"a": 1},
        "isError": False,
        "resultType": "complete",
    }
    assert all(issubclass(block, BaseModel) for block in get_args(mcp_types.ContentBlock))
    assert mcp_types.PromptMessage(role="user", content=text).content is text
    assert mcp_types.Completion(values=["a"], has_more=True).model_dump(by_alias=True, exclude_none=True)["hasMore"]
    assert mcp_types.InputRequiredResult(request_state="s").model_dump(by_alias=True)["requestState"] == "s"


def test_models_that_clients_and_authors_fill() -> None:
    params = {"ref": {"type": "ref/prompt", "name": "p"}, "argument": {"name": "a", "value": ""}}
    read = mcp_types.CompleteRequestParams.model_validate(params, by_name=False)
    assert (read.ref.type, read.argument.value, read.context) == ("ref/prompt", "", None)
    assert mcp_types.CompletionContext(arguments=None).arguments is None
    assert mcp_types.Icon.model_validate({"src": "https://example.org/i.png", "mimeType": "image/png"}).mime_type
    assert mcp_types.Annotations.model_validate({"audience": ["user"], "priority": 1}).priority == 1


@pytest.mark.parametrize("id", [1, "a", None, 1.5, True])
def test_a_posted_response_is_checked_strictly(id: Any) -> None:
    response = {"jsonrpc": "2.0", "id": id, "result": {}}
    if type(id) in (int, str):
        assert mcp_types.JSONRPCResponse.model_validate(response).id == id
    else:
        with pytest.raises(ValidationError):
            mcp_types.JSONRPCResponse.model_validate(response)
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": 1, "message": "m"}}
    assert mcp_types.JSONRPCError.model_validate(error).id is None


def test_what_a_server_says_of_itself_is_texts() -> None:
    for wrong in ({"name": 5, "version": "1"}, {"name": "n"}, {"name": "n", "version": "1", "websiteUrl": 5}):
        with pytest.raises(ValidationError):
            mcp_types.Implementation.model_validate(wrong, strict=True, by_name=False)


def test_the_names_that_are_kept_here_so_that_less_is_loaded_are_those_of_the_sdk() -> None:
    assert MAY_ASK == methods.INPUT_REQUIRED_METHODS
    assert HEADER_KEY == inbound.X_MCP_HEADER_KEY
