"""What is recognised by comparisons is what the SDK's schema takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    LOG_LEVEL_META_KEY,
    METHOD_NOT_FOUND,
    PROTOCOL_VERSION_META_KEY,
)
from mcp_types.methods import CLIENT_REQUESTS
from pydantic import ValidationError

from mcp_django.engine import params as checked
from mcp_django.engine.exchange import MODERN, Exchange
from mcp_django.engine.params import MAX_ENVELOPES, check_params
from mcp_django.exceptions import ProtocolError

if TYPE_CHECKING:
    from mcp_django.engine.server import Engine

HANDSHAKE = "2025-11-25"


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    checked._passed.clear()
    yield
    checked._passed.clear()


def envelope(**more: Any) -> dict[str, Any]:
    return {
        PROTOCOL_VERSION_META_KEY: MODERN,
        CLIENT_INFO_META_KEY: {"name": "client", "version": "1"},
        CLIENT_CAPABILITIES_META_KEY: {},
        **more,
    }


def exchange(params: Any, *, version: str = MODERN, method: str = "tools/call") -> Exchange:
    return Exchange(
        engine=cast("Engine", None),  # which no check asks
        method=method,
        params=params,
        request_id=1,
        version=version,
        transport="streamable-http",
    )


def fits(params: Any, version: str, method: str = "tools/call") -> bool:
    """Ask the SDK's schema."""
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    try:
        CLIENT_REQUESTS[method, version].model_validate(message, by_name=False)
    except ValidationError:
        return False
    return True


def fits_without(method: str, version: str) -> bool:
    """Ask the SDK's schema of a request without params."""
    CLIENT_REQUESTS[method, version].model_validate({"jsonrpc": "2.0", "id": 1, "method": method}, by_name=False)
    return True


def passes(params: Any, version: str, method: str = "tools/call") -> bool:
    try:
        check_params(exchange(params, version=version, method=method))
    except ProtocolError:
        return False
    return True


values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.lists(st.integers(), max_size=1)
)
metas = st.one_of(
    values,
    st.dictionaries(
        st.sampled_from(["progressToken", "other", LOG_LEVEL_META_KEY, *envelope()]),
        st.one_of(values, st.sampled_from(list(envelope().values()))),
        max_size=4,
    ),
    st.builds(lambda token: envelope(progressToken=token), values),
    st.builds(lambda level: envelope(**{LOG_LEVEL_META_KEY: level}), st.sampled_from(["info", "loud"])),
    st.builds(lambda capabilities: envelope(**{CLIENT_CAPABILITIES_META_KEY: capabilities}), values),
    st.builds(lambda info: envelope(**{CLIENT_INFO_META_KEY: info}), st.one_of(values, st.just({"name": "client"}))),
)
calls = st.fixed_dictionaries(
    {},
    optional={
        "name": st.one_of(st.just("add"), values),
        "arguments": st.one_of(st.just({"a": 1}), values),
        "_meta": metas,
        "requestState": values,
        "task": values,
        "unknown": values,
    },
)


@given(params=calls, version=st.sampled_from([MODERN, HANDSHAKE, "2024-11-05"]))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_call_passes_when_and_only_when_the_schema_takes_it(params: dict[str, Any], version: str) -> None:
    checked._passed.clear()
    passes({"name": "add", "_meta": envelope()}, MODERN)  # so that this client's envelope is known
    assert passes(params, version) == fits(params, version)


@given(params=st.fixed_dictionaries({}, optional={"_meta": metas, "cursor": values}))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_list_passes_when_and_only_when_the_schema_takes_it(params: dict[str, Any]) -> None:
    checked._passed.clear()
    passes({"_meta": envelope()}, MODERN, "tools/list")
    for version in (MODERN, HANDSHAKE):
        assert passes(params, version, "tools/list") == fits(params, version, "tools/list")


infos = st.one_of(
    values,
    st.fixed_dictionaries(
        {},
        optional={
            "name": st.one_of(st.just("client"), values),
            "version": st.one_of(st.just("1"), values),
            "title": st.one_of(st.just("Client"), values),
            "icons": values,
        },
    ),
)
parts = st.one_of(values, st.just({}), st.just({"applyDefaults": True}))
offers = st.one_of(
    values,
    st.dictionaries(st.sampled_from(["listChanged", "form", "url", "tools", "context", "other"]), parts, max_size=2),
)
capabilities = st.one_of(
    values,
    st.dictionaries(
        st.sampled_from(["roots", "sampling", "elicitation", "experimental", "tasks", "other"]), offers, max_size=3
    ),
)
HANDSHAKES = ["2024-11-05", "2025-03-26", "2025-06-18", HANDSHAKE]


@given(
    params=st.fixed_dictionaries(
        {},
        optional={
            "protocolVersion": st.one_of(st.sampled_from(HANDSHAKES), values),
            "clientInfo": infos,
            "capabilities": capabilities,
            "_meta": values,
            "unknown": values,
        },
    )
)
@settings(max_examples=300, deadline=None)
def test_a_handshake_passes_when_and_only_when_the_schema_takes_it(params: dict[str, Any]) -> None:
    assert passes(params, HANDSHAKE, "initialize") == fits(params, HANDSHAKE, "initialize")


@given(info=infos, offered=capabilities, version=st.one_of(st.just(MODERN), values))
@settings(max_examples=300, deadline=None)
def test_an_envelope_passes_when_and_only_when_the_schema_takes_it(info: Any, offered: Any, version: Any) -> None:
    checked._passed.clear()
    made = {PROTOCOL_VERSION_META_KEY: version, CLIENT_INFO_META_KEY: info, CLIENT_CAPABILITIES_META_KEY: offered}
    for method in ("server/discover", "tools/list"):
        assert passes({"_meta": made}, MODERN, method) == fits({"_meta": made}, MODERN, method)


@pytest.mark.parametrize("version", HANDSHAKES)
@pytest.mark.parametrize("method", ["ping", "tools/list", "prompts/list", "resources/list", "resources/templates/list"])
def test_a_handshake_client_may_leave_out_params_that_say_nothing(method: str, version: str) -> None:
    for params in (None, {}):
        assert passes(params, version, method)
        assert fits_without(method, version) if params is None else fits(params, version, method)


@pytest.mark.parametrize(
    ("method", "version"),
    [("ping", MODERN), ("initialize", MODERN), ("server/discover", HANDSHAKE), ("tools/fly", MODERN)],
)
def test_a_method_that_the_revision_lacks_is_not_found(method: str, version: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        check_params(exchange({"_meta": envelope()}, method=method, version=version))
    assert refused.value.code == METHOD_NOT_FOUND


def test_a_client_that_says_the_usual_needs_no_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checked, "request_schema", lambda method, version: pytest.fail("asked for a schema"))
    offered = {"roots": {"listChanged": True}, "sampling": {"tools": {}}, "elicitation": {"form": {}, "url": {}}}
    info = {"name": "client", "title": "Client", "version": "1"}
    said = {"protocolVersion": HANDSHAKE, "clientInfo": info, "capabilities": offered}
    check_params(exchange(said, version=HANDSHAKE, method="initialize"))
    meta = envelope(**{CLIENT_INFO_META_KEY: info, CLIENT_CAPABILITIES_META_KEY: offered})
    for method in ("server/discover", "tools/list"):
        check_params(exchange({"_meta": meta}, method=method))


def test_an_envelope_that_has_passed_is_compared_and_not_validated_again(monkeypatch: pytest.MonkeyPatch) -> None:
    call = {"name": "add", "arguments": {}, "_meta": envelope()}
    check_params(exchange(call))
    monkeypatch.setattr(checked, "request_schema", lambda method, version: object())  # which can't validate
    check_params(exchange({**call, "_meta": envelope(progressToken=3)}))
    with pytest.raises(AttributeError):
        check_params(exchange({**call, "_meta": envelope(**{CLIENT_CAPABILITIES_META_KEY: {"tasks": {}}})}))


def test_clients_that_make_up_names_fill_no_memory() -> None:
    for number in range(MAX_ENVELOPES + 10):
        info = {"name": f"client-{number}", "version": "1"}
        check_params(exchange({"name": "add", "_meta": envelope(**{CLIENT_INFO_META_KEY: info})}))
    assert len(checked._passed) == MAX_ENVELOPES
    huge = {"name": "huge", "version": "x" * 5000}
    check_params(exchange({"name": "add", "_meta": envelope(**{CLIENT_INFO_META_KEY: huge})}))
    assert "huge" not in checked._passed
