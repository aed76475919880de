"""A call that a person makes from the console: through the engine, as any client's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from time import perf_counter
from typing import Any
from uuid import uuid4

from asgiref.sync import async_to_sync, sync_to_async
from django.db import connections

from mcp_django.registry import MCPServer

MODERN = "2026-07-28"
CLIENT = {"name": "Django admin", "version": "1"}
MAX_SECONDS = 300
"""A run that takes longer is cancelled."""

MAX_SAID = 1000
"""Most progress and log messages of a run that are shown."""

POLL_SECONDS = 1
"""How long a thread waits for news before it looks whether anybody still reads."""

_ENVELOPE = "io.modelcontextprotocol/"


@dataclass(slots=True)
class Outcome:
    """What came of a run."""

    answer: Mapping[str, Any]
    """The JSON-RPC response."""

    milliseconds: float


@dataclass(slots=True)
class Run:
    """One call.

    Args:
        user: whose permissions it has. Scopes are for what acts for a user, and here they act themselves.
    """

    server: MCPServer
    user: Any
    method: str
    params: dict[str, Any]
    _news: SimpleQueue[Any] = field(default_factory=SimpleQueue)
    _said: int = 0
    _future: Future[None] | None = None

    def message(self) -> dict[str, Any]:
        """Return the request, as a client would send it."""
        envelope = {
            f"{_ENVELOPE}protocolVersion": MODERN,
            f"{_ENVELOPE}clientInfo": CLIENT,
            f"{_ENVELOPE}clientCapabilities": {"elicitation": {"form": {}, "url": {}}},
            f"{_ENVELOPE}logLevel": "debug",
            "progressToken": "console",
        }
        params = {**self.params, "_meta": envelope}
        return {"jsonrpc": "2.0", "id": 1, "method": self.method, "params": params}

    def events(self) -> Iterator[Any]:
        """Give what is said on the way, as ``(method, params)``, and at last the ``Outcome``.

        Whoever stops reading cancels the call.
        """
        if any(each.in_atomic_block for each in connections.all(initialized_only=True)):
            from mcp_django.engine.switches import on_a_passing_loop

            with on_a_passing_loop():  # in the transaction of a test, or of a middleware: nothing can be shown before
                async_to_sync(self._call)()
            while (news := self._news.get_nowait()) is not None:
                yield news
            return
        future = self._start()
        try:
            while (news := self._next(future)) is not None:
                if news is not ABSENT:
                    yield news
        finally:
            self.cancel()

    async def aevents(self) -> AsyncIterator[Any]:
        """``events`` for a server that speaks ASGI, which reads no other stream as it comes."""
        future = self._start()
        take = sync_to_async(self._next, thread_sensitive=False)
        try:
            while (news := await take(future)) is not None:
                if news is not ABSENT:
                    yield news
        finally:
            self.cancel()

    def cancel(self) -> None:
        """End the call, if it runs. From any thread."""
        if self._future is not None:
            self._future.cancel()

    def _start(self) -> Future[None]:
        from mcp_django.transports.loop import submit

        self._future = submit(self._call)
        return self._future

    def _next(self, future: Future[None]) -> Any:
        with suppress(Empty):
            return self._news.get(timeout=POLL_SECONDS)
        return None if future.done() and self._news.empty() else ABSENT

    async def _call(self) -> None:
        from mcp_django.auth import Principal
        from mcp_django.engine.dispatcher import answer, refusal
        from mcp_django.engine.exchange import Exchange
        from mcp_django.engine.server import get_engine

        message = self.message()
        exchange = Exchange(
            engine=get_engine(self.server),
            method=self.method,
            params=message["params"],
            request_id=f"console-{uuid4().hex[:12]}",
            version=MODERN,
            transport="console",
            principal=Principal(self.user, scopes=None, kind="local"),
            channel=self,
            client_info=CLIENT,
            client_capabilities=message["params"]["_meta"][f"{_ENVELOPE}clientCapabilities"],
        )
        began = perf_counter()
        try:
            async with asyncio.timeout(MAX_SECONDS):
                given = await answer(exchange)
        except TimeoutError:
            given = refusal(1, -32603, f"The console waits {MAX_SECONDS} seconds at most.")
        finally:
            exchange.cancel()  # what runs in a thread looks there
        self._news.put(Outcome(json.loads(given.body), (perf_counter() - began) * 1000))
        self._news.put(None)

    # The way back to the client

    async def notify(self, method: str, params: dict[str, Any]) -> None:
        """Take what is said before the answer."""
        self._said += 1
        if self._said <= MAX_SAID:
            self._news.put((method, params))

    async def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Be asked nothing: in 2026-07-28 a question is the answer."""
        raise NotImplementedError

    async def hang_up(self, retry_seconds: float) -> None:
        """Do nothing: who reads a page can't come back for the rest of it."""


ABSENT: Any = object()
