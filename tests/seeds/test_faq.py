"""The page "FAQ": each block, served, and called by the official client or over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

from mcp_django.fastmcp import FastMCP, standalone
from mcp_django.registry import servers
from tests.seeds.conftest import Serve

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]

HERE = Path(__file__).parent
CRASH = "failed unexpectedly. The error was logged."


def text_of(result: Any) -> str:
    return "\n".join(block.text for block in result.content)


@asynccontextmanager
async def answering(status: int = 200) -> AsyncIterator[str]:
    """A service elsewhere that answers with JSON; its URL."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b'{"answer": 42}'
        head = f"HTTP/1.1 {status} OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        writer.write(head.encode() + b"connection: close\r\n\r\n" + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


@pytest.mark.parametrize("name", ["raw_sdk", "first_tool"])
async def test_raw_sdk_and_first_tool(serve: Serve, name: str) -> None:
    site = serve({"raw_sdk": "faq.raw_sdk", "first_tool": "faq.first_tool"}[name])
    async with site.client() as client:
        (tool,) = (await client.list_tools()).tools
        assert (tool.name, text_of(await client.call_tool("add", {"a": 1, "b": 2}))) == ("add", "3")
        assert (await client.call_tool("add", {"a": "x", "b": 2})).is_error


def test_transports(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    site = serve("faq.transports", SSE=True, SESSIONS=True)
    ran = []
    monkeypatch.setattr(standalone, "call_command", lambda *args, **options: ran.append((*args, options)))
    site.module.run_each()
    http = ("runmcp", {"host": "127.0.0.1", "port": 8000})
    assert ran == [("runmcp", {"stdio": True, "server": ""}), http, http]


def test_the_shell_blocks_name_what_is_there() -> None:
    lines = {name: (HERE / name).read_text(encoding="utf-8") for name in ("faq/install.sh", "faq/run.sh")}
    assert lines["faq/install.sh"].startswith("uv add django-mcp-channels")
    assert lines["faq/run.sh"].strip() == "python server.py"


async def test_server(serve: Serve) -> None:
    site = serve("faq.server")
    said = []

    async def heard(params: Any) -> None:
        said.append(params.data)

    async with site.client(mode="legacy", logging_callback=heard) as client:
        assert client.server_info.name == "My First Server"
        assert text_of(await client.call_tool("greet", {"name": "Ada"})) == "Hello, Ada!"
        assert text_of(await client.call_tool("async_example", {"message": "tea"})) == "Processed: tea"
    assert said == ["Processing message: tea"]


async def test_validated_input(serve: Serve) -> None:
    site = serve("faq.validated_input")
    user = {"name": "Ada", "age": 36, "email": "ada@example.com"}
    async with site.client() as client:
        made = json.loads(text_of(await client.call_tool("create_user", {"user": user})))
        wrong = await client.call_tool("create_user", {"user": {"name": "", "age": 151, "email": "nobody"}})
    assert {key: made[key] for key in user} == user
    assert wrong.is_error
    assert all(field in text_of(wrong) for field in ("user.name", "user.age", "user.email"))


async def test_sync_and_async(serve: Serve) -> None:
    site = serve("faq.sync_and_async")
    async with site.client() as client, answering() as url:
        assert text_of(await client.call_tool("calculate_fibonacci", {"n": 10})) == "55"
        assert json.loads(text_of(await client.call_tool("fetch_data", {"url": url}))) == {"answer": 42}


async def test_progress(serve: Serve) -> None:
    site = serve("faq.progress")
    steps = []

    async def progressed(*step: Any) -> None:
        steps.append(step)

    async with site.client() as client:
        result = await client.call_tool("long_running_task", {"items": ["a"]}, progress_callback=progressed)
    assert result.structured_content == {"result": ["processed_a"]}
    assert steps == [(0.0, 1.0, "Processing a")]


async def test_images(serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plot: Any = ModuleType("matplotlib.pyplot")
    plot.figure = plot.plot = plot.title = lambda *args, **options: None
    plot.savefig = lambda buffer, format: buffer.write(b"\x89PNG drawn")
    package: Any = ModuleType("matplotlib")
    package.pyplot = plot
    monkeypatch.setitem(sys.modules, "matplotlib", package)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", plot)
    (tmp_path / "note.txt").write_text("Buy milk")
    site = serve("faq.images")
    async with site.client() as client:
        (image,) = (await client.call_tool("generate_chart", {"data": [1, 2]})).content
        assert (image.type, image.mime_type) == ("image", "image/png")
        assert text_of(await client.call_tool("get_file_content", {"filename": "note.txt"})) == "Buy milk"
        assert (await client.call_tool("get_file_content", {"filename": "../../etc/passwd"})).is_error


async def read(client: Any, uri: str) -> tuple[str, str]:
    (content,) = (await client.read_resource(uri)).contents
    return getattr(content, "text", "") or content.blob, content.mime_type


async def test_static_and_templates(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "data/notes").mkdir(parents=True)
    (tmp_path / "data/notes/a.txt").write_text("Buy milk")
    site = serve("faq.static_and_templates")
    async with site.client() as client:
        config, kind = await read(client, "config://app-settings")
        assert (json.loads(config)["max_connections"], kind) == (100, "application/json")
        assert json.loads((await read(client, "user://7/profile"))[0])["name"] == "User 7"
        assert (await read(client, "files://notes/a.txt"))[0] == "Buy milk"
        with pytest.raises(MCPError, match="Unknown resource"):
            await client.read_resource("files://notes/..%2F..%2Fa.txt")
        assert len((await client.list_resource_templates()).resource_templates) == 2


async def test_secure_files(serve: Serve, tmp_path: Path) -> None:
    for folder in ("public", "public-evil", "images"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.txt").write_text(folder)
    (tmp_path / "images/logo.png").write_bytes(b"\x89PNG")
    site = serve("faq.secure_files")
    async with site.client() as client:
        assert (await read(client, "file:///public/a.txt"))[0] == "public"
        assert await read(client, "safe-image://logo") == ("iVBORw==", "application/octet-stream")
        for uri in (
            "file:///public-evil/a.txt",
            "file:///public/../images/a.txt",
            "file:///public/none",
            "safe-image://none",
        ):
            with pytest.raises(MCPError, match=CRASH):  # a ValueError: its text names a path of the machine
                await client.read_resource(uri)
        for uri in ("file:///../a.txt", "safe-image://..%2Fpublic%2Fa"):
            with pytest.raises(MCPError, match="Unknown resource"):
                await client.read_resource(uri)


async def test_mime_types(serve: Serve, tmp_path: Path) -> None:
    for folder in ("documents", "images"):
        (tmp_path / folder).mkdir()
    (tmp_path / "images/logo.png").write_bytes(b"\x89PNG")
    (tmp_path / "documents/a.txt").write_text("Text")
    (tmp_path / "documents/a.bin").write_bytes(b"\x00\x01")
    site = serve("faq.mime_types")
    async with site.client() as client:
        assert await read(client, "image://logo") == ("iVBORw==", "image/png")
        assert json.loads((await read(client, "data://x"))[0]) == {"name": "x", "type": "json", "data": "..."}
        assert (await read(client, "document://a.txt"))[0] == "Text"
        assert await read(client, "document://a.bin") == ("AAE=", "application/octet-stream")


async def test_authentication(serve: Serve, key_of: Callable[..., str], django_user_model: Any) -> None:
    site = serve("faq.authentication", AUTH="required")
    assert "auth: people sign in through django-oauth-toolkit" in site.said[0]
    assert "auth_server_provider: django-oauth-toolkit is the authorization server" in site.said[0]
    reader, writer = await asyncio.to_thread(lambda: (key_of("reader", "read"), key_of("writer", "write")))
    async with site.client(key=writer) as client:
        done = text_of(await client.call_tool("protected_tool", {"data": "tea"}))
    async with site.client(key=reader) as client:
        refused = await client.call_tool("protected_tool", {"data": "tea"})
    pk = (await django_user_model.objects.aget(username="writer")).pk
    assert done == f"Processed: tea for user {pk}"
    assert (refused.is_error, text_of(refused)) == (True, f"Tool 'protected_tool' {CRASH}")
    async with site.http() as http:
        nobody = await http.post("/mcp", json={})
    assert (nobody.status_code, "www-authenticate" in nobody.headers) == (401, True)


async def test_scopes(serve: Serve, key_of: Callable[..., str]) -> None:
    site = serve("faq.scopes", AUTH="required")
    site.mcp.valid_scopes = site.module.auth_settings.client_registration_options.valid_scopes
    reader, editor = await asyncio.to_thread(lambda: (key_of("r", "read"), key_of("e", "write", "user:profile")))
    change = {"user_id": "7", "data": {}}
    async with site.client(key=reader) as client:
        assert json.loads(text_of(await client.call_tool("read_data", {})))["data"] == "sensitive information"
        assert (await client.call_tool("modify_user_profile", change)).is_error
    async with site.client(key=editor) as client:
        assert (await client.call_tool("read_data", {})).is_error
        changed = json.loads(text_of(await client.call_tool("modify_user_profile", change)))
    assert changed == {"status": "updated", "user_id": "7"}


def test_environments(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "staging")
    monkeypatch.setenv("PORT", "9000")
    site = serve("faq.environments")
    first, second = (server for server in servers() if isinstance(server, FastMCP))
    assert (first.name, first.settings.host, first.settings.port) == ("Environment Server", "0.0.0.0", 8080)
    assert (second.name, second.settings.port, second.settings.debug) == ("My Server", 9000, False)
    assert site.mcp is second
    assert [re.findall(r"(debug|log_level):", text) for text in site.said] == [["debug", "log_level"]]


def test_the_variables_of_environment_are_read(monkeypatch: pytest.MonkeyPatch, serve: Serve) -> None:
    for line in (HERE / "faq/environment.sh").read_text(encoding="utf-8").splitlines():
        if "=" in line:
            monkeypatch.setenv(*line.split("=", 1))
    site = serve("faq.environment_servers")
    env, mixed = (server for server in servers() if isinstance(server, FastMCP))
    assert (env.settings.host, env.settings.port, env.settings.debug) == ("0.0.0.0", 8000, True)
    assert (env.settings.log_level, env.settings.mount_path) == ("DEBUG", "/api")
    assert env.settings.warn_on_duplicate_tools is mixed.settings.warn_on_duplicate_prompts is False
    told = {"debug", "log_level", "mount_path", "FASTMCP_AUTH_ISSUER_URL", "FASTMCP_AUTH_CLIENT_ID"}
    assert all(f" {name}: " in site.said[0] for name in told)


def test_environment_servers(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTMCP_DEBUG", "false")
    site = serve("faq.environment_servers")
    assert (site.mcp.name, site.mcp.settings.debug) == ("Mixed Server", True)


async def test_performance(serve: Serve, monkeypatch: pytest.MonkeyPatch, django_user_model: Any) -> None:
    site = serve("faq.performance")
    await django_user_model.objects.acreate(username="ada")
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    steps = []

    async def progressed(*step: Any) -> None:
        steps.append(step[:2])

    async with site.client() as client:
        rows = await client.call_tool("optimized_database_query", {"query": "ad"})
        assert rows.structured_content == {"result": [{"username": "ada"}]}
        assert text_of(await client.call_tool("cached_tool", {"data": "x"})) == "processed_x"
        batch = {"items": ["a", "b", "c"], "batch_size": 2}
        done = await client.call_tool("batch_processor", batch, progress_callback=progressed)
        assert done.structured_content == {"result": ["A", "B", "C"]}
        async with answering() as url:
            assert json.loads(text_of(await client.call_tool("robust_api_call", {"url": url}))) == {"answer": 42}
        async with answering(500) as url:
            assert (await client.call_tool("robust_api_call", {"url": url})).is_error
    assert steps == [(2 / 3, 1.0), (1.0, 1.0)]


async def test_long_running(serve: Serve) -> None:
    site = serve("faq.long_running")
    steps: list[float] = []

    async def progressed(progress: float, total: float | None, message: str | None) -> None:
        steps.append(progress)

    async with site.client() as client:
        arguments = {"data_source": "x", "processing_options": {"factor": 2}}
        result = await client.call_tool("long_data_processing", arguments, progress_callback=progressed)
    assert json.loads(text_of(result))["result_file"] == "380.json"
    assert (steps[0], steps[-1], steps == sorted(steps)) == (0.1, 1.0, True)


async def test_debugging(serve: Serve, key_of: Callable[..., str]) -> None:
    site = serve("faq.debugging", AUTH="optional")
    staff, other = await asyncio.to_thread(lambda: (key_of("boss", is_staff=True), key_of("somebody")))
    said = []

    async def heard(params: Any) -> None:
        said.append(params.data)

    async with site.client(key=other, mode="legacy", logging_callback=heard) as client:
        done = await client.call_tool("debug_tool", {"data": {"numbers": [1, 2]}})
        failed = await client.call_tool("debug_tool", {"data": {}})
    assert (json.loads(text_of(done)), failed.is_error) == ({"total": 3}, True)
    assert said == [
        "Starting data processing",
        "Processing completed successfully",
        "Starting data processing",
        "Processing failed: KeyError: 'numbers'",
    ]
    async with site.http() as http:
        answers = [
            await http.get("/debug/info", headers=headers)
            for headers in ({}, {"authorization": f"Bearer {other}"}, {"authorization": f"Bearer {staff}"})
        ]
    assert [each.status_code for each in answers] == [401, 403, 200]
    assert answers[2].json() == {
        "server_name": "Debug Server",
        "debug_mode": True,
        "log_level": "DEBUG",
        "tools_count": 1,
        "resources_count": 0,
    }


async def test_discovery(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    site = serve("faq.discovery")
    first, second = (server for server in servers() if isinstance(server, FastMCP))
    assert [each.name for each in first.declarations("tool")] == ["late_tool"]
    assert [each.name for each in second.declarations("tool")] == ["early_tool", "bad_tool", "good_tool", "valid_tool"]
    assert "a client can't fill the parameter *args" in site.module.refused
    site.module.print_tools()
    assert capsys.readouterr() == ("", "Registered tools: ['early_tool', 'bad_tool', 'good_tool', 'valid_tool']\n")
    async with site.client("mcp/my-correct-server") as client:
        assert text_of(await client.call_tool("good_tool", {"x": 1, "y": 2})) == "3"
        assert text_of(await client.call_tool("bad_tool", {"x": 1, "y": 2})) == "3"
        assert text_of(await client.call_tool("valid_tool", {"a": "x"})) == "x: 10"


async def test_errors(serve: Serve) -> None:
    site = serve("faq.errors")
    async with site.client() as client:
        done = json.loads(text_of(await client.call_tool("robust_tool", {"data": "tea"})))
        refused = {data: await client.call_tool("robust_tool", {"data": data}) for data in (" ", "error", "timeout")}
    assert (done["processed"], done["length"]) == ("TEA", 3)
    assert (refused[" "].is_error, text_of(refused[" "])) == (True, "Data cannot be empty")
    assert json.loads(text_of(refused["error"]))["message"] == "Simulated processing error"
    assert (refused["timeout"].is_error, text_of(refused["timeout"])) == (True, "Processing timed out")


async def test_modular(serve: Serve) -> None:
    site = serve("faq.modular")
    async with site.client() as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == [
            "login",
            "logout",
            "get_user_data",
            "server_status",
        ]
        login = await client.call_tool("login", {"username": "ada", "password": "x"})
        assert json.loads(text_of(login)) == {"token": "auth-token", "user": "ada"}
        assert text_of(await client.call_tool("logout", {"token": "x"})) == "true"
        assert json.loads(text_of(await client.call_tool("get_user_data", {"user_id": "7"})))["data"] == "user data"
        assert json.loads((await read(client, "user://7/profile"))[0])["profile"] == "profile data"
        status = json.loads(text_of(await client.call_tool("server_status", {})))
    assert status == {"status": "running", "tools": 4, "resources": 0}


async def test_custom_http_routes(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Buy milk")
    site = serve("faq.custom_http_routes")
    update = {"type": "user_update", "data": {"id": 1}}
    async with site.http() as http:
        health, stats = (await http.get("/health")).json(), (await http.get("/api/stats")).json()
        file, missing = await http.get("/download/a.txt"), await http.get("/download/none")
        up = await http.get("/download/%2e%2e")
        hooked, wrong = await http.post("/webhook", json=update), await http.post("/webhook", content=b"{")
    assert (health["status"], health["server"]) == ("healthy", "custom-http-routes")
    assert (stats["tools"], stats["resources"], stats["uptime"] > 0) == (0, 0, True)
    assert (file.text, 'filename="a.txt"' in file.headers["content-disposition"]) == ("Buy milk", True)
    assert [(each.status_code, each.json()) for each in (missing, up)] == [(404, {"error": "File not found"})] * 2
    assert (hooked.json(), site.module.handled) == ({"status": "processed"}, [{"id": 1}])
    assert (wrong.status_code, "error" in wrong.json()) == (400, True)


def test_the_container_files_serve_a_project_and_ask_for_its_health() -> None:
    dockerfile = (HERE / "faq/Dockerfile").read_text(encoding="utf-8")
    assert 'CMD ["daphne", "-b", "0.0.0.0", "-p", "8000", "project.asgi:application"]' in dockerfile
    assert "http://localhost:8000/health" in dockerfile
    compose = (HERE / "faq/compose.yaml").read_text(encoding="utf-8")
    assert (compose.startswith("services:"), "postgres:17" in compose) == (True, True)


async def test_production(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_VERSION", "1.2")
    monkeypatch.setattr("logging.basicConfig", lambda **options: None)
    site = serve("faq.production")
    async with site.http() as http:
        health, ready = (await http.get("/health")).json(), await http.get("/ready")
        site.module.healthy["services"] = False
        away = await http.get("/ready")
    assert (health["status"], health["version"]) == ("healthy", "1.2")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
    assert (away.status_code, away.json()["error"]) == (503, "The other service is away.")
    assert os.environ.get("FASTMCP_HOST") is None
    assert site.mcp.settings.host == "0.0.0.0"
