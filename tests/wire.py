"""Speaking to the ASGI application directly: what the official client would never send."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MODERN = "2026-07-28"
JSON_HEADERS = {
    "host": "testserver",
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
}


@dataclass
class Response:
    """What an ASGI application sent."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """The messages of an event stream."""
        lines = self.body.decode().split("\r\n")
        return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: {")]

    @property
    def event_ids(self) -> list[str]:
        """What the client names when it comes back to an event stream."""
        return [line.removeprefix("id: ") for line in self.body.decode().split("\r\n") if line.startswith("id: ")]


class Call:
    """One HTTP request to an ASGI application, under way."""

    def __init__(
        self,
        application: Any,
        body: bytes = b"",
        *,
        method: str = "POST",
        path: str = "/mcp",
        headers: Mapping[str, str] | list[tuple[str, str]] = (),  # type: ignore[assignment]
        chunks: list[bytes] | None = None,
    ) -> None:
        path, _, query = path.partition("?")
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        self.scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs],
            "client": ("127.0.0.1", 50000),
            "server": ("testserver", 80),
        }
        self.response = Response()
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        parts = [body] if chunks is None else chunks
        for number, part in enumerate(parts, 1):
            self._incoming.put_nowait({"type": "http.request", "body": part, "more_body": number < len(parts)})
        self.task = asyncio.ensure_future(application(self.scope, self._incoming.get, self._send))

    def disconnect(self) -> None:
        """Leave, as a client does that closes its connection."""
        self._incoming.put_nowait({"type": "http.disconnect"})

    async def _send(self, event: dict[str, Any]) -> None:
        if event["type"] == "http.response.start":
            self.response.status = event["status"]
            self.response.headers = {name.decode(): value.decode() for name, value in event["headers"]}
        else:
            self.response.body += event.get("body", b"")
        self.sent.put_nowait(event)

    async def finished(self, seconds: float = 10) -> Response:
        """Wait for the application to return."""
        async with asyncio.timeout(seconds):
            await self.task
        return self.response


async def post(
    application: Any,
    message: Any,
    *,
    headers: Mapping[str, str | None] | None = None,
    path: str = "/mcp",
    raw: bytes | None = None,
) -> Response:
    """Post a message with the usual headers, or others; a header that is ``None`` is left out."""
    merged = {**JSON_HEADERS, **(headers or {})}
    body = json.dumps(message).encode() if raw is None else raw
    given = {name: value for name, value in merged.items() if value is not None}
    return await Call(application, body, path=path, headers=given).finished()


def request(method: str, params: dict[str, Any] | None = None, *, id: int | str = 1, **meta: Any) -> dict[str, Any]:
    """Make a handshake era's request."""
    params = dict(params or {})
    if meta:
        params["_meta"] = meta
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": params}


def modern_request(
    method: str, params: dict[str, Any] | None = None, *, id: int | str = 1, **meta: Any
) -> tuple[dict[str, Any], dict[str, str]]:
    """Make a request of 2026-07-28 and the headers that go with it."""
    envelope = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
        **meta,
    }
    headers = {"mcp-protocol-version": MODERN, "mcp-method": method}
    params = params or {}
    if (name := params.get("name", params.get("uri"))) is not None and method != "completion/complete":
        headers["mcp-name"] = name
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": {**params, "_meta": envelope}}, headers
