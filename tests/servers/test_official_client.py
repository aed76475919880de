"""The official Python client drives everything that the demo offers, over every transport, in every mode."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import PromptReference, ResourceTemplateReference, TextContent, TextResourceContents

from tests.servers.atlas_tour import tour
from tests.servers.conftest import AtlasServer
from tests.servers.processes import ROOT, environment

pytestmark = [pytest.mark.server, pytest.mark.anyio]

CALL_SECONDS = 60


class OfficialClient:
    """The SDK's client on tour."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.progress: dict[str, list[float]] = {}

    async def items(self, member: str) -> list[dict[str, Any]]:
        ask = {
            "tools": self._client.list_tools,
            "resources": self._client.list_resources,
            "resourceTemplates": self._client.list_resource_templates,
            "prompts": self._client.list_prompts,
        }[member]
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            page = (await ask(cursor=cursor)).model_dump(by_alias=True, exclude_none=True)
            found += page[member]
            if (cursor := page.get("nextCursor")) is None:
                return found

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> Any:
        async def note(progress: float, total: float | None, message: str | None) -> None:
            self.progress.setdefault(tool, []).append(progress)

        result = await self._client.call_tool(tool, dict(arguments), progress_callback=note)
        assert not result.is_error, result.content
        return result.structured_content

    async def read(self, uri: str) -> str:
        (content,) = (await self._client.read_resource(uri)).contents
        assert isinstance(content, TextResourceContents)
        return content.text

    async def get(self, prompt: str, arguments: Mapping[str, str]) -> list[str]:
        result = await self._client.get_prompt(prompt, dict(arguments))
        return [message.content.text for message in result.messages if isinstance(message.content, TextContent)]

    async def complete(self, kind: Literal["prompt", "template"], of: str, argument: str, value: str) -> list[str]:
        reference = PromptReference(name=of) if kind == "prompt" else ResourceTemplateReference(uri=of)
        result = await self._client.complete(reference, {"name": argument, "value": value})
        return result.completion.values


@asynccontextmanager
async def client_with_key(url: str, key: str, **options: Any) -> AsyncIterator[Client]:
    """Open the SDK's client for an endpoint, with an API key."""
    async with (
        httpx2.AsyncClient(headers={"authorization": f"Bearer {key}"}, timeout=CALL_SECONDS) as http,
        Client(streamable_http_client(url, http_client=http), read_timeout_seconds=CALL_SECONDS, **options) as client,
    ):
        yield client


@asynccontextmanager
async def client_over_stdio(database: str, **options: Any) -> AsyncIterator[Client]:
    """Let the SDK's client start the demo."""
    road = StdioServerParameters(
        command=sys.executable,
        args=["manage.py", "runmcp", "--stdio", "--user", "ada"],
        cwd=ROOT,
        env=environment(ROOT, DATABASE_URL=database),
    )
    async with Client(road, read_timeout_seconds=CALL_SECONDS, **options) as client:
        yield client


@pytest.mark.parametrize("way", ["runmcp", "daphne", "uvicorn", "gunicorn", "stdio"])
async def test_the_official_client_drives_everything_that_is_listed(
    atlas_server: AtlasServer, atlas_database: str, atlas_key: str, way: str, era: str
) -> None:
    opened = (
        client_over_stdio(atlas_database, mode=era)
        if way == "stdio"
        else client_with_key(atlas_server(way).url, atlas_key, mode=era)
    )
    async with opened as client:
        traveller = OfficialClient(client)
        listed, seen = await tour(traveller)
        assert client.protocol_version == ("2025-11-25" if era == "legacy" else "2026-07-28")
        if client.server_info is not None:  # a pinned client asks for nothing first
            assert client.server_info.name == "atlas"
    assert seen == listed
    if way == "gunicorn":  # there is nowhere to send it
        assert not traveller.progress
        return
    for tool, steps in traveller.progress.items():
        assert steps == sorted(steps), tool
    assert {"loneliest_cities", "most_spread_countries"} <= traveller.progress.keys()
