"""``manage.py runmcp --stdio`` at the other end of two pipes, spoken to line by line."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Self

from tests.servers.processes import SITE, environment
from tests.wire import MODERN

ANSWER_SECONDS = 30
"""How long an answer may take, the start of the server included."""

LONGEST_LINE = 16 * 1024 * 1024


class StdioProcess:
    """The server's process: ``async with StdioProcess("--user", "ada", DATABASE_URL=url) as server``."""

    def __init__(self, *options: str, directory: Path = SITE, **variables: str) -> None:
        self._line = [sys.executable, "manage.py", "runmcp", "--stdio", *options]
        self._directory, self._variables = directory, variables
        self.errors = ""
        """What it wrote to stderr; complete when the block is left."""

    async def __aenter__(self) -> Self:
        self._stderr = TemporaryFile()  # noqa: SIM115 - closed on exit
        self.process = await asyncio.create_subprocess_exec(
            *self._line,
            cwd=self._directory,
            env=environment(self._directory, **self._variables),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._stderr,
            limit=LONGEST_LINE,
        )
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: object) -> None:
        self.hang_up()
        try:
            async with asyncio.timeout(10):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        self._stderr.seek(0)
        self.errors = self._stderr.read().decode(errors="replace")
        self._stderr.close()
        if error is not None:
            error.add_note(f"stderr of the server:\n{self.errors}")

    async def send(self, *messages: dict[str, Any] | bytes) -> None:
        """Write messages, or lines as they are."""
        assert self.process.stdin is not None
        for message in messages:
            line = message if isinstance(message, bytes) else json.dumps(message).encode()
            self.process.stdin.write(line + b"\n")
            async with asyncio.timeout(ANSWER_SECONDS):
                await self.process.stdin.drain()

    async def receive(self) -> dict[str, Any]:
        """Return the next message. Fails when the next line is none."""
        assert self.process.stdout is not None
        async with asyncio.timeout(ANSWER_SECONDS):
            line = await self.process.stdout.readline()
        message: dict[str, Any] = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        return message

    async def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a request, and return the next message."""
        await self.send(message)
        return await self.receive()

    async def rest(self) -> list[dict[str, Any]]:
        """Hang up, and return every message that still comes, in order."""
        assert self.process.stdout is not None
        self.hang_up()
        async with asyncio.timeout(ANSWER_SECONDS):
            output = await self.process.stdout.read()
            await self.process.wait()
        return [json.loads(line) for line in output.splitlines()]

    def hang_up(self) -> None:
        """Close the client's end of stdin."""
        assert self.process.stdin is not None
        self.process.stdin.close()


def initialize(id: int = 0, version: str = "2025-11-25") -> dict[str, Any]:
    """Return the handshake's request."""
    info = {"name": "tests", "version": "1"}
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": info}
    return {"jsonrpc": "2.0", "id": id, "method": "initialize", "params": params}


def call(id: int, tool: str, **arguments: Any) -> dict[str, Any]:
    """Return a call of a handshake client."""
    params = {"name": tool, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}


def modern(message: dict[str, Any]) -> dict[str, Any]:
    """Return the message with the envelope of 2026-07-28."""
    envelope = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    meta = {**message["params"].get("_meta", {}), **envelope}
    return {**message, "params": {**message["params"], "_meta": meta}}


def text(answer: Mapping[str, Any]) -> str:
    """Return the text of a tool's answer."""
    return "".join(block["text"] for block in answer["result"]["content"])
