"""Several workers of one project, on PostgreSQL and Redis, and a client that speaks to whichever it likes."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Self
from uuid import uuid4

import anyio
import httpx2
import redis
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.servers import backends
from tests.servers.endpoint import SECONDS, Stream, answer_in
from tests.servers.postgres import new_database
from tests.servers.processes import ROOT, ServerProcess, daphne, run
from tests.wire import modern_request, request

WORKERS = ROOT / "tests" / "servers" / "workers"
"""The project that is served."""

REDIS = f"{backends.REDIS}/14"
VERSION = "2025-11-25"
ACCEPT = {"accept": "application/json, text/event-stream"}


class Fleet:
    """Two workers that share a database and a channel layer.

    Args:
        layer: URL of a Redis. Empty: the layer in memory, which suits one worker alone.
        limits: further settings of the library.
    """

    def __init__(self, database: str, layer: str = REDIS, *, workers: int = 2, **limits: Any) -> None:
        self.prefix = f"mcp-{uuid4().hex}"
        self.variables = {
            "DATABASE_URL": database,
            "REDIS_URL": layer,
            "WORKERS_PREFIX": self.prefix,
            "WORKERS_LIMITS": json.dumps(limits),
        }
        self.workers = [
            ServerProcess(f"worker {name}", daphne("asgi:application"), WORKERS, self.variables)
            for name in ("one", "two")[:workers]
        ]

    def __enter__(self) -> Self:
        for worker in self.workers:
            worker.__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        for worker in self.workers:
            worker.__exit__()
        if not (layer := self.variables["REDIS_URL"]):
            return
        with suppress(redis.ConnectionError), redis.Redis.from_url(layer) as connection:
            if keys := list(connection.scan_iter(f"{self.prefix}*")):
                connection.delete(*keys)

    @property
    def urls(self) -> list[str]:
        return [worker.url for worker in self.workers]

    def kill(self, number: int) -> None:
        """Kill a worker, as no worker can prepare for."""
        worker = self.workers[number]
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait(SECONDS)

    def restart(self, number: int) -> None:
        """Start a worker again, at another port. It is stopped first, if it still runs."""
        self.workers[number].stop()
        self.workers[number].__enter__()

    def shell(self, code: str) -> str:
        """Run code in a process of its own, and return what it printed."""
        done = run(WORKERS, "manage.py", "shell", "-v", "0", "-c", code, **self.variables)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def command(self, *line: str) -> str:
        """Run a management command, and return what it printed."""
        done = run(WORKERS, "manage.py", *line, **self.variables)
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def migrated_database() -> Iterator[str]:
    """Create a database with the project's tables, and return its URL. It is dropped at the end."""
    with new_database() as url:
        prepared = run(
            WORKERS, "manage.py", "migrate", "-v", "0", DATABASE_URL=url, REDIS_URL=REDIS, WORKERS_PREFIX="none"
        )
        assert prepared.returncode == 0, prepared.stderr
        yield url


class Peer:
    """A handshake client. Each of its requests goes to the worker that the test names by its URL.

    Args:
        seconds: how long it waits for the next line of a stream.
    """

    def __init__(self, http: httpx2.AsyncClient, seconds: float = SECONDS) -> None:
        self.http, self.session, self.seconds = http, "", seconds
        self._id = 0

    async def open(self, url: str, capabilities: Mapping[str, Any] | None = None) -> Self:
        """Shake hands."""
        params = {
            "protocolVersion": VERSION,
            "capabilities": {"elicitation": {}} if capabilities is None else dict(capabilities),
            "clientInfo": {"name": "peer", "version": "1"},
        }
        response = await self.post(url, request("initialize", params))
        self.session = response.headers["mcp-session-id"]
        return self

    @property
    def headers(self) -> dict[str, str]:
        session = {"mcp-session-id": self.session} if self.session else {}
        return {**ACCEPT, "mcp-protocol-version": VERSION, **session}

    def request(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Make a request with an id of its own."""
        self._id += 1
        return request(method, dict(params or {}), id=self._id)

    async def post(self, url: str, message: Any) -> httpx2.Response:
        return await self.http.post(url, json=message, headers=self.headers)

    async def ask(self, url: str, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of a request."""
        response = await self.post(url, self.request(method, params))
        assert response.status_code == 200, response.text
        result: dict[str, Any] = answer_in(response)["result"]
        return result

    async def call(self, url: str, tool: str, **arguments: Any) -> Any:
        """Return what a tool returned."""
        result = await self.ask(url, "tools/call", {"name": tool, "arguments": arguments})
        assert not result["isError"], result
        return result["structuredContent"]["result"]

    @asynccontextmanager
    async def calling(self, url: str, tool: str, **arguments: Any) -> AsyncIterator[Stream]:
        """Call a tool that speaks before it is done."""
        message = self.request("tools/call", {"name": tool, "arguments": arguments})
        message["params"]["_meta"] = {"progressToken": "p"}
        async with self.http.stream("POST", url, json=message, headers=self.headers) as response:
            assert response.headers["content-type"] == "text/event-stream"
            yield Stream(response, self.seconds)

    @asynccontextmanager
    async def listening(self, url: str) -> AsyncIterator[Stream]:
        """Open the session's stream, and enter when it is open."""
        headers = {**self.headers, "accept": "text/event-stream"}
        async with self.http.stream("GET", url, headers=headers) as response:
            assert response.status_code == 200
            stream = Stream(response, self.seconds)
            assert (await stream.line()).startswith(":")
            yield stream

    async def answer(self, url: str, question: Mapping[str, Any], **content: Any) -> None:
        """Answer a question, accepting."""
        answer = {"action": "accept", "content": content}
        response = await self.post(url, {"jsonrpc": "2.0", "id": question["id"], "result": answer})
        assert response.status_code == 202, response.text

    async def tell(self, url: str, method: str, **params: Any) -> None:
        """Send a notification."""
        response = await self.post(url, {"jsonrpc": "2.0", "method": method, "params": params})
        assert response.status_code == 202, response.text


@asynccontextmanager
async def http_client(seconds: float = SECONDS) -> AsyncIterator[httpx2.AsyncClient]:
    """Open as many connections as a test wants."""
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(timeout=seconds, limits=limits, verify=False) as http:  # loads no certificates
        yield http


@asynccontextmanager
async def subscription(
    http: httpx2.AsyncClient, url: str, *uris: str, seconds: float = SECONDS, **kinds: bool
) -> AsyncIterator[Stream]:
    """Listen in 2026-07-28, and enter when the server has acknowledged it."""
    wanted: dict[str, Any] = {"resourceSubscriptions": list(uris), **kinds}
    message, headers = modern_request("subscriptions/listen", {"notifications": wanted})
    async with http.stream("POST", url, json=message, headers={**ACCEPT, **headers}) as response:
        stream = Stream(response, seconds)
        assert (await stream.message())["method"] == "notifications/subscriptions/acknowledged"
        yield stream


async def updates(stream: Stream, wanted: set[str]) -> None:
    """Wait until a stream has told of a change of all of these."""
    left = set(wanted)
    while left:
        message = await stream.message()
        if message["method"] == "notifications/resources/updated":
            left.discard(message["params"]["uri"])


class Balancer(httpx2.AsyncBaseTransport):
    """Sends each request to the next worker, and on to another when nobody is there."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet, self._turn = fleet, 0
        self._road = httpx2.AsyncHTTPTransport(limits=httpx2.Limits(max_connections=None))
        self.asked: list[tuple[str, int]] = []
        """Method of each request, and which worker got it."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        error: Exception | None = None
        for _ in self._fleet.workers:
            self._turn += 1
            number = self._turn % len(self._fleet.workers)
            request.url = request.url.copy_with(port=self._fleet.workers[number].port)
            request.headers["host"] = f"127.0.0.1:{request.url.port}"
            self.asked.append((request.method, number))
            try:
                return await self._road.handle_async_request(request)
            except httpx2.ConnectError as failure:
                error = failure
        assert error is not None
        raise error

    async def aclose(self) -> None:
        await self._road.aclose()


@asynccontextmanager
async def balanced(fleet: Fleet, mode: str = "legacy", **options: Any) -> AsyncIterator[Client]:
    """Connect the official client to all workers at once."""
    async with httpx2.AsyncClient(transport=Balancer(fleet), timeout=httpx2.Timeout(SECONDS)) as http:
        road = streamable_http_client(fleet.urls[0], http_client=http)
        async with Client(road, mode=mode, read_timeout_seconds=SECONDS, **options) as client:
            yield client


async def soon(condition: Any, seconds: float = SECONDS) -> None:
    """Wait until an async condition holds."""
    with anyio.fail_after(seconds):
        while not await condition():
            await anyio.sleep(0.02)
