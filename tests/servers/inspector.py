"""The Inspector's two command lines: ``--cli`` connects for one request, ``mcpdo`` keeps a connection in a daemon."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import anyio

from tests.servers.node import Node
from tests.servers.processes import ROOT, environment

COMMAND_SECONDS = 60

METHODS = {
    "tools": "tools/list",
    "resources": "resources/list",
    "resourceTemplates": "resources/templates/list",
    "prompts": "prompts/list",
}

PACKAGE = "@modelcontextprotocol/inspector"


@dataclass
class Target:
    """What the Inspector connects to."""

    options: list[str]

    @classmethod
    def http(cls, url: str, key: str = "") -> Target:
        return cls(["--server-url", url, *(["--header", f"Authorization: Bearer {key}"] if key else [])])

    @classmethod
    def stdio(cls, directory: Path, database: str) -> Target:
        """Let the Inspector start the demo, as the configuration file in ``directory`` says, which this writes."""
        server = {
            "command": sys.executable,
            "args": ["manage.py", "runmcp", "--stdio"],
            "cwd": str(ROOT),
            "env": {"DATABASE_URL": database},
        }
        file = directory / "servers.json"
        file.write_text(json.dumps({"mcpServers": {"atlas": server}}))
        return cls(["--config", str(file), "--server", "atlas"])


@dataclass
class Inspector:
    """The Inspector on tour, one process for each request.

    Args:
        home: where it may keep its own files.
        era: ``"legacy"``, which is its default, ``"auto"`` or ``"modern"``.
    """

    node: Node
    target: Target
    home: Path
    era: Literal["legacy", "auto", "modern"]
    methods: set[str] = field(default_factory=set)
    """The methods that it was told to use."""

    async def ask(self, method: str, *options: str) -> dict[str, Any]:
        """Return the result of one request. A tool's error is a failure as well."""
        self.methods.add(method)
        command = self.node.command(PACKAGE, "clients/launcher/build/index.js")
        line = [*command, "--cli", *self.target.options, "--protocol-era", self.era, "--format", "json"]
        result: dict[str, Any] = (await self.run([*line, "--method", method, *options]))["result"]
        return result

    async def run(self, line: list[str]) -> dict[str, Any]:
        """Run a command, and return the JSON that it writes."""
        variables = environment(ROOT, HOME=str(self.home), MCP_INSPECTOR_SECRET_STORE="memory", **self.variables())
        with anyio.fail_after(COMMAND_SECONDS):
            done = await anyio.run_process(line, env=variables, check=False)
        assert done.returncode == 0, f"{' '.join(line)}\n{done.stdout.decode()}\n{done.stderr.decode()}"
        printed: dict[str, Any] = json.loads(done.stdout)
        return printed

    def variables(self) -> dict[str, str]:
        """Return what else its environment holds."""
        return {}

    # As a traveller

    async def items(self, member: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.ask(METHODS[member]))[member]
        return found

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> Any:
        result = await self.ask("tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments))
        return result["structuredContent"]

    async def read(self, uri: str) -> str:
        (content,) = (await self.ask("resources/read", "--uri", uri))["contents"]
        return str(content["text"])

    async def get(self, prompt: str, arguments: Mapping[str, str]) -> list[str]:
        pairs = [f"{name}={value}" for name, value in arguments.items()]
        result = await self.ask("prompts/get", "--prompt-name", prompt, "--prompt-args", *pairs)
        return [message["content"]["text"] for message in result["messages"]]

    async def complete(self, kind: Literal["prompt", "template"], of: str, argument: str, value: str) -> list[str]:
        raise NotImplementedError("--cli has no method for it; mcpdo does.")


@dataclass
class Mcpdo(Inspector):
    """The same over one connection: ``async with Mcpdo(...) as traveller``."""

    async def __aenter__(self) -> Mcpdo:
        await self.do("connect", "--era", self.era, *self.target.options)
        self.methods.add("initialize")
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.do("daemon", "stop")

    async def ask(self, method: str, *options: str) -> dict[str, Any]:
        self.methods.add(method)
        return await self.do(method, *options)

    async def do(self, *arguments: str) -> dict[str, Any]:
        """Run a command of mcpdo."""
        command = self.node.command(PACKAGE, "clients/mcpdo/build/mcp-bin.js")
        return await self.run([*command, "--format", "json", "--connection", "atlas", *arguments])

    def variables(self) -> dict[str, str]:
        # A daemon of its own. The path of its socket must be short.
        return {"MCP_INSPECTOR_DAEMON_DIR": str(self.home / "d"), "MCP_INSPECTOR_DAEMON_TOKEN": "tests"}

    async def complete(self, kind: Literal["prompt", "template"], of: str, argument: str, value: str) -> list[str]:
        reference = "ref/prompt" if kind == "prompt" else "ref/resource"
        options = ["--complete-ref-type", reference, "--complete-ref", of, "--complete-arg-name", argument]
        result = await self.ask("prompts/complete", *options, "--complete-arg-value", value)
        suggested: list[str] = result["values"]
        return suggested
