"""Handshakes, lists, notifications, and methods that aren't there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mcp_types import PROTOCOL_VERSION_META_KEY
from mcp_types.version import KNOWN_PROTOCOL_VERSIONS

from tests.differential.corpus.cases import MODERN, Form, Row
from tests.differential.sides import ABSENT

CLIENT = {"name": "corpus", "version": "1"}
LISTS = {
    "tools/list": ("closed-schema", "docstring", "empty-members", "scalar-schema", "schema-title"),
    "resources/list": ("empty-members", "mime-type"),
    "resources/templates/list": (),
    "prompts/list": ("empty-members",),
}
"""Each list, and the known differences of its items."""

UNKNOWN_METHODS = (
    "nope",
    "tools/nope",
    "TOOLS/LIST",
    "tools/list ",
    "",
    "rpc.discover",
    "notifications/initialized",
    "sampling/createMessage",
    "elicitation/create",
    "roots/list",
    "tasks/get",
    "tasks/list",
    "completion",
)


def handshake(form: Form, version: Any, headers: dict[str, str] | None = None, **more: Any) -> Any:
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": CLIENT, **more}
    return form.request("initialize", {key: value for key, value in params.items() if value != ABSENT}, headers=headers)


def handshakes(form: Form) -> Iterator[Row]:
    logging = form.old("logging")
    for version in (*KNOWN_PROTOCOL_VERSIONS, "1999-01-01", ""):
        yield f"for {version!r}", handshake(form, version), logging
    without = {"mcp-protocol-version": ABSENT}
    yield "without the header", handshake(form, form.revision, without), "logging"
    yield "without a version", handshake(form, ABSENT)
    yield "for a number", handshake(form, 1)
    yield "without capabilities", handshake(form, form.revision, capabilities=ABSENT)
    yield "with capabilities in a list", handshake(form, form.revision, capabilities=[])
    yield "without clientInfo", handshake(form, form.revision, clientInfo=ABSENT)
    yield "with a clientInfo that lacks a version", handshake(form, form.revision, clientInfo={"name": "c"})
    yield (
        "with capabilities",
        handshake(form, form.revision, capabilities={"sampling": {}, "roots": {"listChanged": True}}),
        logging,
    )
    yield "with capabilities that nobody knows", handshake(form, form.revision, capabilities={"nope": 1}), logging
    yield "without params", form.request("initialize")


def discoveries(form: Form) -> Iterator[Row]:
    yield "plain", form.request("server/discover")
    yield "with a member that the schema doesn't have", form.request("server/discover", {"a": 1})


def pings(form: Form) -> Iterator[Row]:
    yield "plain", form.request("ping")
    yield "with params", form.request("ping", {})
    yield "with a member that the schema doesn't have", form.request("ping", {"a": 1})


def log_levels(form: Form) -> Iterator[Row]:
    level: Any
    for level in ("debug", "emergency"):
        yield f"{level!r}", form.request("logging/setLevel", {"level": level}), form.old("logging")
    for level in ("nope", 1, None):
        yield f"{level!r}", form.request("logging/setLevel", {"level": level})
    yield "no level", form.request("logging/setLevel", {})
    yield "no params", form.request("logging/setLevel")


def lists(form: Form) -> Iterator[Row]:
    for method, differs in LISTS.items():
        yield f"{method}", form.request(method), *differs
        if method == "tools/list":
            continue  # the longest; the others have pages of the same code
        yield f"{method} with params", form.request(method, {}), *differs
        yield f"{method} with null for a cursor", form.request(method, {"cursor": None}), *differs
        yield f"{method} with a cursor that is nobody's", form.request(method, {"cursor": "nope"}), "bad-cursor"
        yield f"{method} with an empty cursor", form.request(method, {"cursor": ""}), "bad-cursor"
        yield f"{method} with a number for a cursor", form.request(method, {"cursor": 1})
        yield f"{method} with a member that the schema doesn't have", form.request(method, {"a": 1}), *differs


def unknown_methods(form: Form) -> Iterator[Row]:
    for method in UNKNOWN_METHODS:
        yield repr(method), form.request(method)
    yield "'nope' with params in a list", form.request("nope", [1]), form.old("malformed-message")
    yield "'tasks/get' with params", form.request("tasks/get", {"taskId": "a"})
    if not form.modern:
        yield "'subscriptions/listen'", form.request("subscriptions/listen", {"notifications": {}})


def subscriptions(form: Form) -> Iterator[Row]:
    for method in ("resources/subscribe", "resources/unsubscribe"):
        differs = form.old("unsubscribe") if method == "resources/unsubscribe" else ""
        yield method, form.request(method, {"uri": "static://text"}), differs
        yield f"{method} without a uri", form.request(method, {})
        yield f"{method} with a number for a uri", form.request(method, {"uri": 1})
        yield f"{method} without params", form.request(method)
    yield "subscriptions/listen without params", form.request("subscriptions/listen")
    wanted: Any
    for wanted in (None, [], "tools", {"toolsListChanged": []}, {"resourceSubscriptions": "static://text"}):
        yield f"subscriptions/listen to {wanted!r}", form.request("subscriptions/listen", {"notifications": wanted})


def notifications(form: Form) -> Iterator[Row]:
    notify = form.notification
    yield "initialized", notify("notifications/initialized")
    yield "cancelled", notify("notifications/cancelled", {"requestId": 1, "reason": "no more"})
    yield "cancelled without an id", notify("notifications/cancelled", {})
    yield "progress", notify("notifications/progress", {"progressToken": 1, "progress": 1})
    yield "roots changed", notify("notifications/roots/list_changed")
    yield "one that nobody knows", notify("notifications/nope")
    yield "a request's method", notify("tools/call", {"name": "give_int"})
    yield "params in a list", notify("notifications/initialized", []), form.old("malformed-message")
    yield "null for params", form.post({"jsonrpc": "2.0", "method": "notifications/initialized", "params": None})
    yield "with an envelope", notify("notifications/initialized", {"_meta": form.envelope()})
    modern = {**form.envelope(), PROTOCOL_VERSION_META_KEY: MODERN}
    other = notify("notifications/initialized", {"_meta": modern})
    yield "with the envelope of 2026-07-28", other, form.old("envelope-decides")
    yield "without the version header", notify("notifications/initialized", None, {"mcp-protocol-version": ABSENT})
    yield (
        "in a version that nobody knows",
        notify("notifications/initialized", None, {"mcp-protocol-version": "2099-01-01"}),
    )
    yield "without the method header", notify("notifications/initialized", None, {"mcp-method": ABSENT})


FAMILIES = (handshakes, discoveries, pings, log_levels, lists, unknown_methods, subscriptions, notifications)
