"""The requests that are measured, as bytes and headers, and the reading of what comes back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

Era = Literal["modern", "handshake"]

ERAS: tuple[Era, ...] = ("modern", "handshake")
VERSIONS: Mapping[Era, str] = {"modern": "2026-07-28", "handshake": "2025-11-25"}
CLIENT = {"name": "benchmarks", "version": "1.0"}


class WrongAnswer(Exception):
    """A server answered something else than what it is measured for."""


@dataclass(frozen=True, slots=True)
class Request:
    """One POST."""

    body: bytes
    headers: tuple[tuple[str, str], ...]

    def with_header(self, name: str, value: str) -> Request:
        """Return the same request with one header more."""
        return replace(self, headers=(*self.headers, (name, value)))

    def to_http(self, port: int, path: str = "/mcp") -> bytes:
        """Return the request as HTTP/1.1 on a connection that is kept alive."""
        lines = [f"POST {path} HTTP/1.1", f"host: 127.0.0.1:{port}", f"content-length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join([*lines, "", ""]).encode("ascii") + self.body


def make_request(era: Era, method: str, params: Mapping[str, Any] | None = None) -> Request:
    """Return a request of the era with the headers that the official client sends."""
    params = dict(params or {})
    headers = {
        "user-agent": "benchmarks/1.0",
        "accept": "application/json, text/event-stream",
        "content-type": "application/json",
        "mcp-protocol-version": VERSIONS[era],
    }
    if era == "modern":
        headers["mcp-method"] = method
        if "name" in params:
            headers["mcp-name"] = params["name"]
        params["_meta"] = {
            "io.modelcontextprotocol/protocolVersion": VERSIONS[era],
            "io.modelcontextprotocol/clientInfo": CLIENT,
            "io.modelcontextprotocol/clientCapabilities": {},
        }
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return Request(json.dumps(message, separators=(",", ":")).encode(), tuple(headers.items()))


def call(era: Era, tool: str, arguments: Mapping[str, Any]) -> Request:
    """Return a ``tools/call``."""
    return make_request(era, "tools/call", {"name": tool, "arguments": dict(arguments)})


def initialize() -> Request:
    """Return the first request of a handshake."""
    params = {"protocolVersion": VERSIONS["handshake"], "capabilities": {}, "clientInfo": CLIENT}
    return make_request("handshake", "initialize", params)


def initialized() -> Request:
    """Return the notification that ends a handshake."""
    request = make_request("handshake", "initialize")
    return replace(request, body=b'{"jsonrpc":"2.0","method":"notifications/initialized"}')


def listen() -> Request:
    """Return the request whose answer is a stream of events."""
    return make_request("modern", "subscriptions/listen", {"notifications": {"toolsListChanged": True}})


def get(port: int, path: str, headers: tuple[tuple[str, str], ...] = ()) -> bytes:
    """Return a GET as HTTP/1.1."""
    lines = [f"GET {path} HTTP/1.1", f"host: 127.0.0.1:{port}", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def session_stream(port: int, session: str) -> bytes:
    """Return the GET that opens the stream of a session."""
    version = VERSIONS["handshake"]
    names = {"accept": "text/event-stream", "mcp-session-id": session, "mcp-protocol-version": version}
    return get(port, "/mcp", tuple(names.items()))


def result_of(body: bytes) -> Any:
    """Return the result in a response, be it one JSON body or an event stream that ends with it.

    Raises:
        WrongAnswer: there is none.
    """
    if not body.startswith(b"{"):
        events = [line for line in body.splitlines() if line.startswith((b"data: {", b"{"))]  # or a chunk of JSON
        body = events[-1].removeprefix(b"data: ") if events else b"{}"
    message = json.loads(body)
    if "result" not in message:
        raise WrongAnswer(body[:500].decode(errors="replace"))
    return message["result"]


def check_call(body: bytes, structured: Mapping[str, Any]) -> None:
    """Raise ``WrongAnswer`` unless the response is that of a ``tools/call`` with this ``structuredContent``."""
    result = result_of(body)
    if result.get("isError") or result.get("structuredContent") != structured:
        raise WrongAnswer(body[:500].decode(errors="replace"))


def check_list(body: bytes, tools: int) -> None:
    """Raise ``WrongAnswer`` unless the response lists so many tools on its one page."""
    result = result_of(body)
    if len(result["tools"]) != tools or result.get("nextCursor"):
        raise WrongAnswer(f"{len(result['tools'])} tools instead of {tools} on the first page")
