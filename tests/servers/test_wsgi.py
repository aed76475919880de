"""The view on real WSGI servers: gunicorn with threads in two processes, and Django's own ``runserver``."""

from __future__ import annotations

import shutil
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import httpx2
import pytest
from mcp import Client

from tests.servers.conftest import SiteServer
from tests.servers.endpoint import SECONDS, endpoint
from tests.servers.processes import SITE, ServerProcess, command
from tests.wire import JSON_HEADERS

pytestmark = [pytest.mark.server, pytest.mark.anyio]

WSGI = {"SITE_WITHOUT_ASGI": "1"}
CALL_SECONDS = 60
STOP_SECONDS = 20
"""How long a server that has nothing to do may take to end; gunicorn kills its workers after 30."""


@pytest.fixture(params=["gunicorn", "runserver"])
def served(request: pytest.FixtureRequest, site_server: SiteServer) -> ServerProcess:
    """The site, on a server that speaks WSGI."""
    return site_server(str(request.param), **WSGI)


@pytest.fixture
def key() -> str:
    return uuid4().hex


async def test_tools_of_both_kinds_use_the_database(served: ServerProcess, era: str, key: str) -> None:
    async with Client(served.url, mode=era, read_timeout_seconds=CALL_SECONDS) as client:
        for tool in ("write", "write_async", "write_atomic", "write_atomic_async"):
            await client.call_tool(tool, {"key": key, "text": tool})
            result = await client.call_tool(tool, {"key": key, "text": f"{tool} failed", "fail": True})
            assert result.is_error
        kept = ["write", "write failed", "write_async", "write_async failed", "write_atomic", "write_atomic_async"]
        for tool in ("read", "read_async"):
            assert (await client.call_tool(tool, {"key": key})).structured_content == {"result": kept}


async def test_atomic_requests_rolls_back_what_a_failed_call_did(site_server: SiteServer, key: str) -> None:
    server = site_server("gunicorn", SITE_ATOMIC_REQUESTS="1", **WSGI)
    async with endpoint(server.url) as client:
        for tool in ("write", "write_async"):
            await client.call(tool, key=key, text=tool)
            assert (await client.call(tool, key=key, text="lost", fail=True))["isError"]
        assert await client.rows(key) == ["write", "write_async"]


async def test_what_isn_t_served_over_asgi_isn_t_served_here(served: ServerProcess) -> None:
    cases: list[tuple[dict[str, str], bytes, int]] = [
        ({"host": "evil.example"}, b"{}", 421),
        ({"origin": "https://evil.example"}, b"{}", 403),
        ({"accept": "application/json"}, b"{}", 406),
        ({"content-type": "text/plain"}, b"{}", 415),
        ({}, b"{", 400),
    ]
    usual = {**JSON_HEADERS, "host": f"127.0.0.1:{served.port}"}
    async with httpx2.AsyncClient(timeout=SECONDS) as http:
        for headers, body, status in cases:
            answer = await http.post(served.url, content=body, headers={**usual, **headers})
            assert (answer.status_code, answer.json()["jsonrpc"]) == (status, "2.0")
        answer = await http.get(served.url, headers={"accept": "text/event-stream"})
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(served: ServerProcess) -> None:
    with closing(HTTPConnection("127.0.0.1", served.port, timeout=SECONDS)) as connection:
        connection.putrequest("POST", "/mcp")
        for name, value in {**JSON_HEADERS, "content-length": str(4 * 1024 * 1024 + 1)}.items():
            if name != "host":
                connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == 413


async def test_calls_on_several_threads_are_served(served: ServerProcess) -> None:
    finished: list[dict[str, Any]] = []
    async with endpoint(served.url) as client, anyio.create_task_group() as group:

        async def nap() -> None:
            finished.append(await client.call("nap", seconds=0.2))

        for _ in range(12):
            group.start_soon(nap)
    assert [each["content"][0]["text"] for each in finished] == ["rested"] * 12
    assert "Traceback" not in served.output()


async def test_the_loop_keeps_no_process_from_ending(empty_site: Path, tmp_path: Path) -> None:
    variables = WSGI | {"DATABASE_URL": f"sqlite:///{shutil.copy(empty_site, tmp_path / 'site.sqlite3')}"}
    with ServerProcess("stopping", command("gunicorn", "asgi:application"), SITE, variables) as server:
        async with endpoint(server.url) as client:
            await client.call("write", key="a", text="b")
        server.terminate()
        assert server.wait(STOP_SECONDS) == 0
        assert "SIGKILL" not in server.output()
