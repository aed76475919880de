"""Code from FastMCP in processes of its own: a script without a project, and blocks of its pages on daphne."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client

from tests.servers.processes import ROOT, ServerProcess, daphne, environment, run

pytestmark = [pytest.mark.server, pytest.mark.anyio]

SCRIPT = """
import sys

from starlette.responses import PlainTextResponse

from mcp_django.fastmcp import FastMCP

mcp = FastMCP("script")


@mcp.tool()
def add(a: int, b: int) -> int:
    return a + b


@mcp.custom_route("/ping", methods=["GET"])
async def ping(request):
    return PlainTextResponse("pong")


mcp.run(sys.argv[1], host=sys.argv[2], port=int(sys.argv[3]))
"""


@pytest.fixture
def script(tmp_path: Path) -> str:
    """A file that is run as it was run with FastMCP."""
    file = tmp_path / "server.py"
    file.write_text(SCRIPT, encoding="utf-8")
    return str(file)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_script_serves_over_stdio_without_a_project(mode: str, tmp_path: Path) -> None:
    example = str(ROOT / "docs/examples/migrating.py")
    parameters = StdioServerParameters(command=sys.executable, args=[example], env=environment(tmp_path), cwd=tmp_path)
    async with Client(stdio_client(parameters), mode=mode) as client:
        assert client.server_info.name == "My First Server"
        result = await client.call_tool("greet", {"name": "Ada"})
    assert result.structured_content == {"result": "Hello, Ada!"}


async def test_a_script_serves_over_http_with_its_routes(script: str, tmp_path: Path) -> None:
    command = (sys.executable, script, "streamable-http", "127.0.0.1", "{port}")
    with ServerProcess("script", command, tmp_path, {}) as server:
        for mode in ("legacy", "auto"):
            async with Client(server.url, mode=mode) as client:
                assert (await client.call_tool("add", {"a": 1, "b": 2})).structured_content == {"result": 3}
        async with httpx2.AsyncClient(base_url=server.url.removesuffix("/mcp")) as http:
            assert (await http.get("/ping")).text == "pong"
            assert (await http.get("/ping", headers={"host": "evil.example"})).status_code == 400


async def test_a_script_serves_over_sse(script: str, tmp_path: Path) -> None:
    command = (sys.executable, script, "sse", "127.0.0.1", "{port}")
    with ServerProcess("script", command, tmp_path, {}) as server:
        async with Client(sse_client(f"{server.url}/sse"), mode="legacy") as client:
            assert (await client.call_tool("add", {"a": 1, "b": 2})).structured_content == {"result": 3}


def test_a_script_refuses_to_listen_where_others_reach_it(script: str, tmp_path: Path) -> None:
    ended = run(tmp_path, script, "streamable-http", "0.0.0.0", "0")
    assert ended.returncode == 1
    assert "nobody signs in, so FastMCP('script') listens at 127.0.0.1 and not at 0.0.0.0" in ended.stderr


def test_a_script_names_a_transport_that_is_not_there(script: str, tmp_path: Path) -> None:
    ended = run(tmp_path, script, "carrier-pigeon", "127.0.0.1", "0")
    assert ended.stderr.endswith("ValueError: Unknown transport: carrier-pigeon\n")


async def test_blocks_of_the_pages_answer_on_daphne() -> None:
    blocks = "custom_routes.simple_http_endpoints,custom_routes.query_and_headers,custom_routes.files_and_exports"
    variables = {"DJANGO_SETTINGS_MODULE": "tests.seeds.settings", "SEEDS": blocks}
    with ServerProcess("seeds", daphne("tests.asgi:application"), ROOT, variables) as server:
        async with httpx2.AsyncClient(base_url=server.url.removesuffix("/mcp")) as http:
            assert (await http.get("/ping")).text == "pong"
            assert (await http.post("/ping")).status_code == 405
            assert len((await http.get("/search?q=tea&limit=3")).json()["results"]) == 3
            assert len((await http.get("/export/data?format=csv")).text.splitlines()) == 10_001
            assert (await http.get("/files/%2e%2e/secret")).status_code == 404
