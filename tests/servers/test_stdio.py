"""``manage.py runmcp --stdio``, spoken to over pipes, with nothing in between that could forgive."""

from __future__ import annotations

import asyncio
import json
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mcp_types import INVALID_REQUEST, PARSE_ERROR, UNSUPPORTED_PROTOCOL_VERSION

from tests.servers.pipes import ANSWER_SECONDS, StdioProcess, call, initialize, modern, text
from tests.servers.processes import SITE, environment, run

pytestmark = [pytest.mark.server, pytest.mark.anyio]


@pytest.fixture(params=["handshake", "modern"])
def shaken(request: pytest.FixtureRequest) -> bool:
    """Whether the client shakes hands."""
    return bool(request.param == "handshake")


async def test_stdout_holds_nothing_but_json_rpc_whatever_a_tool_writes(shaken: bool) -> None:
    async with StdioProcess() as server:
        if shaken:
            await server.send(initialize())
            await server.receive()
        said = call(1, "chatter")
        assert text(await server.ask(said if shaken else modern(said))) == "said"
        assert await server.rest() == []
        assert server.process.returncode == 0
    for line in (
        "printed by a tool",
        "printed and left in the buffer",
        "written to descriptor 1",
        "printed by a child",
        "printed by a child that is Python",
    ):
        assert line in server.errors.splitlines()


async def test_a_tool_that_reads_stdin_gets_nothing_of_the_wire() -> None:
    async with StdioProcess() as server:
        await server.send(initialize(), call(1, "read_stdin"), call(2, "whoami"))
        answers = {message["id"]: message for message in [await server.receive() for _ in range(3)]}
        assert text(answers[1]) == ""
        assert text(answers[2]) == "nobody"


async def test_a_line_that_is_no_message_gets_an_error_and_the_server_lives_on() -> None:
    bad_lines = {
        b"{not json": PARSE_ERROR,
        b"\xff\xfe": PARSE_ERROR,
        b"[" * 10_000: PARSE_ERROR,
        b"[]": INVALID_REQUEST,
        b'{"jsonrpc":"2.0","id":7,"method":"' + b"x" * 4 * 1024 * 1024 + b'"}': INVALID_REQUEST,  # too long
    }
    async with StdioProcess() as server:
        await server.send(initialize())
        await server.receive()
        for line, code in bad_lines.items():
            await server.send(line)
            refused = await server.receive()
            assert (refused["id"], refused["error"]["code"]) == (None, code)
        await server.send(b"", b"  \r")  # blank lines are passed over
        assert text(await server.ask(call(1, "whoami"))) == "nobody"


@pytest.mark.parametrize("tool", ["hold", "hold_sync"])
async def test_a_cancelled_call_ends_and_is_not_answered(site_database: str, shaken: bool, tool: str) -> None:
    """The progress that a tool reports tells that it has begun."""
    wrap = (lambda message: message) if shaken else modern
    async with asyncio.timeout(ANSWER_SECONDS), StdioProcess(DATABASE_URL=site_database) as server:
        if shaken:
            await server.send(initialize())
            await server.receive()
        begun = call(1, tool, key="k")
        begun["params"]["_meta"] = {"progressToken": "p"}
        assert (await server.ask(wrap(begun)))["method"] == "notifications/progress"
        cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
        await server.send(wrap(cancelled))
        id, texts = 2, ["started"]
        while texts == ["started"]:
            answer = await server.ask(wrap(call(id, "read_async", key="k")))
            assert answer["id"] == id
            id, texts = id + 1, answer["result"]["structuredContent"]["result"]
        assert texts == ["started", "cancelled"]
        assert await server.rest() == []


async def test_every_request_that_was_piped_in_before_the_end_is_answered() -> None:
    async with StdioProcess() as server:
        await server.send(initialize(), *(call(id, "nap", seconds=0.2) for id in range(1, 41)))
        answers = await server.rest()
        assert sorted(message["id"] for message in answers) == list(range(41))
        assert all("result" in message for message in answers)
        assert server.process.returncode == 0


def test_sigterm_ends_it_though_the_client_does_not_read() -> None:
    line = [sys.executable, "manage.py", "runmcp", "--stdio"]
    pipe = subprocess.PIPE
    with subprocess.Popen(line, cwd=SITE, env=environment(SITE), stdin=pipe, stdout=pipe) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(initialize()).encode() + b"\n")
        server.stdin.flush()
        server.stdout.readline()
        listed = ({"jsonrpc": "2.0", "id": id, "method": "tools/list", "params": {}} for id in range(1, 101))
        server.stdin.writelines(json.dumps(message).encode() + b"\n" for message in listed)
        server.stdin.flush()
        try:
            while select.select([server.stdout], [], [], 0)[0] == []:  # answers come, and soon fill the pipe
                time.sleep(0.01)
            time.sleep(0.5)
            server.terminate()
            assert server.wait(ANSWER_SECONDS) == -signal.SIGTERM
        finally:
            server.kill()


async def test_calls_run_as_the_user_that_the_command_names(site_database: str) -> None:
    async with StdioProcess("--user", "ada", DATABASE_URL=site_database) as server:
        await server.send(initialize())
        await server.receive()
        assert text(await server.ask(call(1, "whoami"))) == "ada"


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("nemo", "There is no user 'nemo'."), ("retired", "The user 'retired' is not active.")],
)
def test_a_user_that_may_not_be_is_an_error(empty_site: Path, name: str, complaint: str) -> None:
    ended = run(SITE, "manage.py", "runmcp", "--stdio", "--user", name, DATABASE_URL=f"sqlite:///{empty_site}")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert complaint in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_another_server_is_served_by_its_path_and_custom_routes_are_mentioned_on_stderr() -> None:
    async with StdioProcess() as default:
        await default.send(initialize())
        await default.receive()
    assert "custom route(s) are declared" in default.errors
    async with StdioProcess("--server", "annex") as annex:
        await annex.send(initialize())
        assert (await annex.receive())["result"]["serverInfo"]["name"] == "annex"
        assert text(await annex.ask(call(1, "where"))) == "annex"
    assert "custom route" not in annex.errors


async def test_the_second_era_on_one_connection_is_refused() -> None:
    async with StdioProcess() as shaken:
        await shaken.send(initialize())
        await shaken.receive()
        refused = await shaken.ask(modern(call(1, "whoami")))
        assert refused["error"]["code"] == INVALID_REQUEST
        assert text(await shaken.ask(call(2, "whoami"))) == "nobody"
    async with StdioProcess() as envelopes:
        assert text(await envelopes.ask(modern(call(1, "whoami")))) == "nobody"
        refused = await envelopes.ask(initialize(2))
        assert refused["error"]["code"] == UNSUPPORTED_PROTOCOL_VERSION
        assert text(await envelopes.ask(modern(call(3, "whoami")))) == "nobody"
