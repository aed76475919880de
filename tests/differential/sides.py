"""One request in, one answer out, of either server, in a form that can be compared."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mcp.server.mcpserver import MCPServer as SDKServer
from mcp.server.transport_security import TransportSecuritySettings

from tests.wire import JSON_HEADERS, Call, Response

Headers = tuple[tuple[str, str], ...]

ABSENT = "\0absent"
"""The value of a header that is left out, though usual."""

SECONDS = 10
"""How long either server may take for a request."""


@dataclass(frozen=True)
class Posted:
    """One HTTP request."""

    body: bytes
    headers: Headers = ()
    method: str = "POST"

    @cached_property
    def message(self) -> Any:
        """The message that was posted; ``None`` when it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def header(self, name: str) -> str | None:
        value = dict(self.headers).get(name)
        return None if value == ABSENT else value


@dataclass
class Answer:
    """One HTTP response."""

    status: int
    form: str
    """``"json"``, ``"stream"``, ``"empty"``, ``"unlabelled"`` or another media type."""

    messages: list[Any] = field(default_factory=list)
    allow: str | None = None

    @property
    def last(self) -> dict[str, Any]:
        """The JSON-RPC response; an empty dict when there is none."""
        last = self.messages[-1] if self.messages else {}
        return last if isinstance(last, dict) else {}

    @property
    def error(self) -> dict[str, Any]:
        """The JSON-RPC error; an empty dict when there is none."""
        error: dict[str, Any] = self.last.get("error", {})
        return error

    @property
    def error_code(self) -> int | None:
        return self.error.get("code")

    @property
    def result(self) -> dict[str, Any]:
        """The result; an empty dict when there is none."""
        result: dict[str, Any] = self.last.get("result", {})
        return result


@dataclass(frozen=True)
class Sides:
    """The two servers, as ASGI applications."""

    ours: Any
    theirs: Any


async def ask(application: Any, posted: Posted) -> Answer:
    """Send a request to an ASGI application; headers that it doesn't give are the usual ones."""
    given = {name.lower() for name, _ in posted.headers}
    usual = [(name, value) for name, value in JSON_HEADERS.items() if name not in given]
    headers = [*usual, *(pair for pair in posted.headers if pair[1] != ABSENT)]
    call = Call(application, posted.body, method=posted.method, headers=headers)
    return _read(await call.finished(SECONDS))


def _read(response: Response) -> Answer:
    kind = response.headers.get("content-type", "").partition(";")[0]
    status, allow = int(response.status), response.headers.get("allow")
    if not response.body:
        return Answer(status, "empty", [], allow)
    if kind == "text/event-stream":
        return Answer(status, "stream", response.events, allow)
    if kind == "application/json":
        return Answer(status, "json", [response.json], allow)
    return Answer(status, kind or "unlabelled", [response.body.decode()], allow)


@asynccontextmanager
async def serving(server: SDKServer) -> AsyncIterator[Any]:
    """Run the SDK's server, without sessions, in a task of its own, and give its ASGI application."""
    security = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    application = server.streamable_http_app(stateless_http=True, transport_security=security)
    manager = server.session_manager
    started, stop = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with manager.run():
            started.set()
            await stop.wait()

    task = asyncio.create_task(hold())
    try:
        async with asyncio.timeout(SECONDS):
            await started.wait()
        yield application
    finally:
        stop.set()
        async with asyncio.timeout(SECONDS):
            await task
