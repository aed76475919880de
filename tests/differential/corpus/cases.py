"""What a case is, and how a family of them is written once for every revision."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mcp_types import CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY, PROTOCOL_VERSION_META_KEY
from mcp_types.version import KNOWN_PROTOCOL_VERSIONS

from tests.differential.sides import ABSENT, Posted

MODERN = "2026-07-28"
REVISIONS = KNOWN_PROTOCOL_VERSIONS
PLAIN = "resources/templates/list"
"""A method whose answers show no known difference."""

NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""The parameter that the header ``Mcp-Name`` repeats."""


@dataclass(frozen=True)
class Case:
    """One request, and the known differences that the two answers show."""

    revision: str
    family: str
    name: str
    posted: Posted
    differs: frozenset[str] = frozenset()

    @property
    def group(self) -> str:
        """What is asked in one test: a family of cases in one revision."""
        return f"{self.revision} {self.family}"


@dataclass(frozen=True)
class Form:
    """How requests are written in one revision."""

    revision: str

    @property
    def modern(self) -> bool:
        return self.revision == MODERN

    def old(self, difference: str) -> str:
        """Name a difference that handshake revisions show; nothing in 2026-07-28."""
        return "" if self.modern else difference

    def new(self, difference: str) -> str:
        """Name a difference that 2026-07-28 shows, and no other revision."""
        return difference if self.modern else ""

    def request(
        self,
        method: Any,
        params: Any = None,
        *,
        id: Any = 1,
        meta: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Posted:
        """Make a request with the envelope and the headers of the revision, changed as told.

        Args:
            params: ``None`` leaves them out where the revision lets them be left out.
            meta: members of ``_meta``; the value ``ABSENT`` takes the usual one away.
            headers: the same for headers.
        """
        message: dict[str, Any] = {"jsonrpc": "2.0", "id": id, "method": method}
        if self.modern and (params is None or isinstance(params, dict)):
            params = {**(params or {}), "_meta": _merged(self.envelope(), meta)}
        elif meta:
            params = {**(params or {}), "_meta": meta}
        if params is not None:
            message["params"] = params
        return self.post(message, headers)

    def notification(self, method: str, params: Any = None, headers: dict[str, str] | None = None) -> Posted:
        """Make a notification."""
        message = {"jsonrpc": "2.0", "method": method} | ({} if params is None else {"params": params})
        return self.post(message, headers)

    def post(self, message: Any, headers: dict[str, str] | None = None) -> Posted:
        """Post any JSON with the headers that belong to it."""
        merged = {**self.headers(message), **(headers or {})}
        return Posted(json.dumps(message).encode(), tuple(merged.items()))

    def raw(self, body: bytes, headers: dict[str, str] | None = None) -> Posted:
        """Post bytes with the headers of a plain list."""
        merged = {**self.headers({"method": PLAIN}), **(headers or {})}
        return Posted(body, tuple(merged.items()))

    def envelope(self) -> dict[str, Any]:
        """Return the ``_meta`` that 2026-07-28 wants."""
        info = {"name": "corpus", "version": "1"}
        return {
            PROTOCOL_VERSION_META_KEY: self.revision,
            CLIENT_CAPABILITIES_META_KEY: {},
            CLIENT_INFO_META_KEY: info,
        }

    def headers(self, message: Any) -> dict[str, str]:
        headers = {"mcp-protocol-version": self.revision}
        method = message.get("method") if isinstance(message, dict) else None
        if not self.modern or not isinstance(method, str):
            return headers
        headers["mcp-method"] = method
        params = message.get("params")
        name = params.get(NAMED_BY.get(method, "")) if isinstance(params, dict) else None
        if isinstance(name, str) and name.isascii() and name.isprintable():
            headers["mcp-name"] = name
        return headers


Row = tuple[Any, ...]
"""``(name, posted, *ids of known differences)``; an empty id is none."""


def gather(families: Iterable[Any], revisions: Iterable[str] = REVISIONS) -> list[Case]:
    """Write the families out for some revisions. Each is a function of a ``Form`` that yields rows."""
    found = []
    for revision in revisions:
        for family in families:
            label = family.__name__.replace("_", " ")
            for name, posted, *differs in family(Form(revision)):
                found.append(Case(revision, label, name, posted, frozenset(filter(None, differs))))
    return found


def _merged(usual: dict[str, Any], changes: dict[str, Any] | None) -> dict[str, Any]:
    merged = {**usual, **(changes or {})}
    return {key: value for key, value in merged.items() if value != ABSENT}
