"""A handshake client, spoken for message by message, and what it hears."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from tests.wire import JSON_HEADERS, Call, Response, modern_request, post, request

VERSION = "2025-11-25"
EVERYTHING: dict[str, Any] = {"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}}
"""The capabilities of a client that can be asked whatever there is."""

SECONDS = 10
"""How long a test waits for what has to come."""


class Peer:
    """A client with a session, if the server has given it one."""

    def __init__(self, application: Any, session: str | None, *, version: str = VERSION) -> None:
        self.application, self.session, self.version = application, session, version
        self._id = 0

    @classmethod
    async def open(
        cls, application: Any, capabilities: Mapping[str, Any] = EVERYTHING, *, version: str = VERSION, **info: Any
    ) -> Peer:
        """Shake hands."""
        params = {
            "protocolVersion": version,
            "capabilities": dict(capabilities),
            "clientInfo": {"name": "peer", "version": "1", **info},
        }
        response = await post(application, request("initialize", params))
        assert "result" in response.json, response
        return cls(application, response.headers.get("mcp-session-id"), version=version)

    def at(self, application: Any) -> Peer:
        """Return the same client as it speaks to another worker."""
        return Peer(application, self.session, version=self.version)

    @property
    def headers(self) -> dict[str, str]:
        session = {} if self.session is None else {"mcp-session-id": self.session}
        return {**JSON_HEADERS, "mcp-protocol-version": self.version, **session}

    def request(self, method: str, params: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        """Make a request with an id of its own."""
        self._id += 1
        return request(method, params, **{"id": self._id, **options})

    async def post(self, message: Any) -> Response:
        """Post whatever it is, and return the whole answer."""
        return await post(self.application, message, headers=self.headers)

    async def ask(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of a request that has one."""
        response = await self.post(self.request(method, params))
        assert "result" in response.json, response
        message: dict[str, Any] = response.events[-1] if response.events else response.json
        result: dict[str, Any] = message["result"]
        return result

    async def tell(self, method: str, params: dict[str, Any] | None = None) -> Response:
        """Post a notification."""
        return await self.post({"jsonrpc": "2.0", "method": method, "params": params or {}})

    def start(self, tool: str, arguments: Mapping[str, Any] | None = None, **options: Any) -> Call:
        """Call a tool, and don't wait for its answer."""
        message = self.request("tools/call", {"name": tool, "arguments": dict(arguments or {})}, **options)
        return Call(self.application, json.dumps(message).encode(), headers=self.headers)

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Return the result of a tool."""
        return await self.ask("tools/call", {"name": tool, "arguments": arguments})

    async def answer(self, question: Mapping[str, Any], result: Any = None, *, error: Any = None) -> Response:
        """Answer a request of the server's."""
        content = {"result": result} if error is None else {"error": error}
        return await self.post({"jsonrpc": "2.0", "id": question["id"], **content})

    def get(self) -> Call:
        """Open the session's stream."""
        return Call(self.application, method="GET", headers={**self.headers, "accept": "text/event-stream"})

    async def stream(self) -> Call:
        """Open the session's stream, and wait until it is open."""
        call = self.get()
        await begun(call)
        return call

    async def end(self) -> Response:
        """End the session."""
        return await Call(self.application, method="DELETE", headers=self.headers).finished()


def accept(**content: Any) -> dict[str, Any]:
    """Return the answer of a person who fills in what was asked."""
    return {"action": "accept", "content": content}


def listening(application: Any, wanted: Mapping[str, Any], *, id: int | str = 1) -> Call:
    """Send ``subscriptions/listen`` of 2026-07-28."""
    body, headers = modern_request("subscriptions/listen", {"notifications": dict(wanted)}, id=id)
    return Call(application, json.dumps(body).encode(), headers={**JSON_HEADERS, **headers})


async def begun(call: Call) -> None:
    """Wait for the first bytes of an answer."""
    async with asyncio.timeout(SECONDS):
        while not call.response.body:
            await call.sent.get()


async def heard(call: Call, *methods: str, times: int = 1) -> list[dict[str, Any]]:
    """Wait until a stream has brought so many messages of these methods, and return them all.

    Raises:
        AssertionError: the stream ended before.
    """

    def found() -> list[dict[str, Any]]:
        return [each for each in call.response.events if not methods or each.get("method") in methods]

    await until(call, lambda: len(found()) >= times)
    return found()


async def until(call: Call, condition: Callable[[], bool]) -> None:
    """Wait for what a stream brings. Raises ``AssertionError`` when it ends before."""
    async with asyncio.timeout(SECONDS):
        while not condition():
            event = await call.sent.get()
            if event["type"] == "http.response.body" and not event.get("more_body", False):
                assert condition(), f"The stream ended after {call.response}."
                return


async def asked(call: Call, times: int = 1) -> dict[str, Any]:
    """Wait for a question on a call's stream, and return it."""
    return (await heard(call, "elicitation/create", "sampling/createMessage", "roots/list", times=times))[-1]


async def result_of(call: Call) -> dict[str, Any]:
    """Wait for the end of a call, and return its result."""
    response = await call.finished()
    message: dict[str, Any] = response.events[-1] if response.events else response.json
    result: dict[str, Any] = message["result"]
    return result


def text_of(result: Mapping[str, Any]) -> str:
    """Return the text that a tool answered."""
    text: str = result["content"][0]["text"]
    return text


async def leave(*calls: Call) -> None:
    """Close the connections of calls, and wait until they are over."""
    for call in calls:
        call.disconnect()
    for call in calls:
        await call.finished()
