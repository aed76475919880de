"""The Inspector's command lines drive the demo: everything on one transport each, every method on the others.

Each request is a process of its own, so not every one is repeated everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.servers.atlas_tour import PARTS, Guide, everything, get_prompts, lists, read_resources, see_tools, tour
from tests.servers.conftest import AtlasServer
from tests.servers.inspector import METHODS, Inspector, Mcpdo, Target
from tests.servers.node import Node

pytestmark = [pytest.mark.server, pytest.mark.anyio]

EVERY_METHOD = {*METHODS.values(), "initialize", "tools/call", "resources/read", "prompts/get"}


@pytest.fixture
def home() -> Iterator[Path]:
    """A short path: there will be a socket in it."""
    with TemporaryDirectory(prefix="mcp") as directory:
        yield Path(directory)


async def test_the_inspectors_cli_drives_everything_over_http_on_daphne(
    node: Node, atlas_server: AtlasServer, atlas_key: str, home: Path
) -> None:
    inspector = Inspector(node, Target.http(atlas_server("runmcp").url, atlas_key), home, "legacy")
    listed = everything(await lists(inspector))
    guide = Guide(inspector)
    for walk in (see_tools, read_resources, get_prompts):
        await walk(guide)
    assert guide.seen == {stop for stop in listed if stop[0] != "argument"}  # --cli can't complete
    assert (await inspector.ask("initialize"))["protocolVersion"] == "2025-11-25"
    assert await inspector.ask("logging/setLevel", "--log-level", "warning") == {}
    assert inspector.methods == EVERY_METHOD | {"logging/setLevel"}


async def test_the_inspectors_mcpdo_drives_everything_over_stdio(node: Node, atlas_database: str, home: Path) -> None:
    async with Mcpdo(node, Target.stdio(home, atlas_database), home, "auto") as inspector:
        listed, seen = await tour(inspector)
        shown = await inspector.do("connections/show")
    assert seen == listed
    assert (shown["serverInfo"]["name"], shown["protocolVersion"]) == ("atlas", "2026-07-28")
    assert inspector.methods == EVERY_METHOD | {"prompts/complete"}


async def test_the_inspectors_cli_uses_every_method_over_http_on_uvicorn(
    node: Node, atlas_server: AtlasServer, home: Path
) -> None:
    inspector = Inspector(node, Target.http(atlas_server("uvicorn").url), home, "modern")
    assert (await inspector.ask("initialize"))["protocolVersion"] == "2026-07-28"
    assert [len(await inspector.items(member)) > 0 for member in PARTS] == [True] * len(PARTS)
    assert (await inspector.call("compare_countries", {"countries": ["JP", "DE"]}))["result"][0]["name"] == "Japan"
    assert "Japan" in await inspector.read("atlas://countries/JP")
    assert len(await inspector.get("choose_a_country", {"continent": "AF"})) == 3
    assert inspector.methods == EVERY_METHOD


async def test_the_inspectors_mcpdo_completes_arguments_over_http_on_uvicorn(
    node: Node, atlas_server: AtlasServer, home: Path
) -> None:
    async with Mcpdo(node, Target.http(atlas_server("uvicorn").url), home, "modern") as inspector:
        assert "Munich" in await inspector.complete("prompt", "plan_a_weekend", "city", "Mün")
        assert "JP" in await inspector.complete("template", "atlas://countries/{iso}", "iso", "J")


async def test_the_inspectors_cli_calls_a_tool_over_stdio(node: Node, atlas_database: str, home: Path) -> None:
    inspector = Inspector(node, Target.stdio(home, atlas_database), home, "legacy")
    assert (await inspector.call("find_cities", {"name": "Lisbon", "limit": 1}))["result"][0]["country"]["iso"] == "PT"
