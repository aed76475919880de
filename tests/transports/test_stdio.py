from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from django.contrib.auth.models import User
from django.test import override_settings

from mcp_django import Context, MCPServer
from mcp_django.auth import ANONYMOUS, Principal
from mcp_django.transports import pipes, stdio
from mcp_django.transports.pipes import claimed_stdio
from mcp_django.transports.stdio import StdioServer, serve_stdio
from tests.wire import MODERN, modern_request, request

pytestmark = pytest.mark.anyio

CLIENT = {"protocolVersion": "2025-06-18", "capabilities": {"roots": {}}, "clientInfo": {"name": "t", "version": "1"}}
INITIALIZE = request("initialize", CLIENT, id=0)
PING = request("ping", id=99)
OTHER_VERSION: Any = {"io.modelcontextprotocol/protocolVersion": "2030-01-01"}


class Wire:
    """The client's end of a connection."""

    def __init__(self, to_server: BinaryIO, from_server: asyncio.StreamReader, serving: StdioServer) -> None:
        self._to_server, self._from_server = to_server, from_server
        self.task = asyncio.ensure_future(serving.run())

    def write(self, data: bytes) -> None:
        self._to_server.write(data)

    def send(self, *messages: Any) -> None:
        """Send each message on a line of its own."""
        self.write(b"".join(json.dumps(message).encode() + b"\n" for message in messages))

    async def receive(self) -> Any:
        """Return the next message; it must be one line of JSON."""
        async with asyncio.timeout(5):
            line = await self._from_server.readline()
        return json.loads(line) if line else None

    async def ask(self, message: Any) -> Any:
        """Send a request and return what comes next."""
        self.send(message)
        return await self.receive()

    async def silence(self) -> None:
        """Make sure that what was sent before has no answer, by an answer to what is sent after it."""
        assert await self.ask(request("ping", id="silence")) == {"jsonrpc": "2.0", "id": "silence", "result": {}}

    async def close(self) -> None:
        """Close the client's end and wait until serving is over."""
        self._to_server.close()
        async with asyncio.timeout(10):
            await self.task


Serve = Callable[..., AbstractAsyncContextManager[Wire]]


@pytest.fixture
def serve(server: MCPServer) -> Serve:
    """Serve ``server`` over a pair of pipes: ``async with serve() as wire``."""

    @asynccontextmanager
    async def serve(principal: Principal = ANONYMOUS, *, handshake: bool = False) -> AsyncIterator[Wire]:
        (server_in, client_out), (client_in, server_out) = os.pipe(), os.pipe()
        stream = asyncio.StreamReader()
        with (
            os.fdopen(server_in, "rb") as reader,
            os.fdopen(server_out, "wb") as writer,
            os.fdopen(client_out, "wb", buffering=0) as to_server,
            os.fdopen(client_in, "rb", buffering=0) as from_server,
        ):
            loop = asyncio.get_running_loop()
            road, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), from_server)
            wire = Wire(to_server, stream, StdioServer(server, principal, reader, writer))
            wire.task.add_done_callback(lambda _: writer.close())
            if handshake:
                await wire.ask(INITIALIZE)
            try:
                yield wire
            finally:
                try:
                    await wire.close()
                finally:
                    road.close()

    return serve


def modern(method: str, params: dict[str, Any] | None = None, **options: Any) -> Any:
    return modern_request(method, params, **options)[0]


def call(id: int | str = 1, **meta: Any) -> Any:
    return request("tools/call", {"name": "tool"}, id=id, **meta)


def cancel(request_id: Any) -> Any:
    return {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": request_id}}


def error_of(message: Any) -> tuple[Any, int]:
    return message["id"], message["error"]["code"]


class Tool:
    """A tool that waits until it is told to go on, or is cancelled."""

    def __init__(self, server: MCPServer) -> None:
        self.began: asyncio.Queue[None] = asyncio.Queue()
        self.go_on, self.cancelled = asyncio.Event(), asyncio.Event()
        server.add_tool(self._wait, "tool")

    async def _wait(self) -> str:
        self.began.put_nowait(None)
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return "done"

    async def running(self, calls: int = 1) -> None:
        async with asyncio.timeout(5):
            for _ in range(calls):
                await self.began.get()


# The era


async def test_a_handshake_settles_the_revision_and_is_remembered(server: MCPServer, serve: Serve) -> None:
    @server.tool
    async def tool(ctx: Context) -> list[Any]:
        return [ctx.protocol_version, ctx.client_info, ctx.client_capabilities, ctx.transport, dict(ctx.headers)]

    async with serve() as wire:
        given = await wire.ask(INITIALIZE)
        assert (given["id"], given["result"]["protocolVersion"]) == (0, "2025-06-18")
        assert given["result"]["serverInfo"] == {"name": "fixture", "version": "1.0"}
        wire.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        result = (await wire.ask(call()))["result"]
    assert result["structuredContent"]["result"] == ["2025-06-18", CLIENT["clientInfo"], {"roots": {}}, "stdio", {}]
    assert "_meta" not in result


async def test_an_envelope_settles_2026_07_28(server: MCPServer, serve: Serve) -> None:
    @server.tool
    async def tool(ctx: Context) -> list[Any]:
        return [ctx.protocol_version, ctx.client_info]

    info = {"io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"}}
    async with serve() as wire:
        result = (await wire.ask(modern("tools/call", {"name": "tool"}, **info)))["result"]
        assert error_of(await wire.ask(request("tools/list", id=2))) == (2, -32602)
        refused = await wire.ask(INITIALIZE)
    assert result["structuredContent"]["result"] == [MODERN, {"name": "t", "version": "1"}]
    assert result["resultType"] == "complete"
    assert error_of(refused) == (0, -32022)
    assert refused["error"]["data"] == {"supported": [MODERN], "requested": "2025-06-18"}


async def test_a_connection_that_shook_hands_takes_no_envelope(serve: Serve) -> None:
    async with serve(handshake=True) as wire:
        assert error_of(await wire.ask(modern("tools/list"))) == (1, -32600)
        assert "result" in await wire.ask(request("tools/list"))


async def test_initialize_is_a_handshake_even_with_an_envelope(serve: Serve) -> None:
    async with serve() as wire:
        assert (await wire.ask(modern("initialize", CLIENT)))["result"]["protocolVersion"] == "2025-06-18"
        assert "result" in await wire.ask(request("tools/list"))


async def test_an_envelope_of_another_revision_is_told_which_are_served(serve: Serve) -> None:
    async with serve() as wire:
        refused = await wire.ask(modern("tools/list", **OTHER_VERSION))
        assert error_of(refused) == (1, -32022)
        assert refused["error"]["data"] == {"supported": [MODERN], "requested": "2030-01-01"}
        assert "result" in await wire.ask(modern("tools/list"))


async def test_what_is_no_request_settles_nothing(serve: Serve) -> None:
    async with serve() as wire:
        wire.send({"jsonrpc": "2.0", "method": "notifications/initialized"}, {"jsonrpc": "2.0", "id": 5, "result": {}})
        assert "result" in await wire.ask(modern("tools/list"))


async def test_before_the_handshake_only_a_ping_is_answered(serve: Serve) -> None:
    async with serve() as wire:
        assert (await wire.ask(PING))["result"] == {}
        assert error_of(await wire.ask(request("tools/list"))) == (1, -32602)
        assert "result" in await wire.ask(INITIALIZE)
        assert "result" in await wire.ask(request("tools/list"))


async def test_a_handshake_that_fails_is_none(serve: Serve) -> None:
    async with serve() as wire:
        assert error_of(await wire.ask(request("initialize", {"protocolVersion": 3}))) == (1, -32602)
        assert error_of(await wire.ask(request("tools/list"))) == (1, -32602)
        assert "result" in await wire.ask(INITIALIZE)


async def test_what_follows_the_handshake_may_be_sent_with_it(serve: Serve) -> None:
    async with serve() as wire:
        wire.send(INITIALIZE, request("tools/list", id=1), request("prompts/list", id=2))
        answers = [await wire.receive() for _ in range(3)]
    assert answers[0]["id"] == 0
    assert {answer["id"] for answer in answers if "result" in answer} == {0, 1, 2}


# Calls


async def test_a_tool_runs_as_the_user_who_serves(server: MCPServer, serve: Serve) -> None:
    @server.tool
    def tool(ctx: Context) -> str:
        return ctx.user.get_username()

    async with serve(Principal(User(username="ada")), handshake=True) as wire:
        assert (await wire.ask(call()))["result"]["content"][0]["text"] == "ada"


async def test_what_a_function_says_is_on_the_wire_before_its_result(server: MCPServer, serve: Serve) -> None:
    @server.tool
    def tool(ctx: Context) -> str:
        ctx.info_sync("one\ntwo")
        ctx.report_progress_sync(1)
        return "done"

    async with serve(handshake=True) as wire:
        wire.send(call(progressToken="p"))
        log, progress, result = [await wire.receive() for _ in range(3)]
    assert log == {
        "jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "one\ntwo"},
    }  # fmt: skip
    assert progress["params"] == {"progressToken": "p", "progress": 1}
    assert result["result"]["content"][0]["text"] == "done"


async def test_a_task_that_a_function_leaves_behind_speaks_to_nobody(server: MCPServer, serve: Serve) -> None:
    go_on, left_behind = asyncio.Event(), []

    @server.tool
    async def tool(ctx: Context) -> None:
        async def go_on_talking() -> None:
            await go_on.wait()
            await ctx.report_progress(2)

        left_behind.append(asyncio.ensure_future(go_on_talking()))

    async with serve(handshake=True) as wire:
        assert "result" in await wire.ask(call(progressToken=1))
        go_on.set()
        async with asyncio.timeout(5):
            await asyncio.gather(*left_behind)
        await wire.silence()


async def test_the_log_level_is_remembered(server: MCPServer, serve: Serve) -> None:
    @server.tool
    async def tool(ctx: Context) -> None:
        await ctx.info("info")
        await ctx.error("error")

    async with serve(handshake=True) as wire:
        wire.send(request("logging/setLevel", {"level": "error"}, id=1), call(id=2))
        answers = [await wire.receive() for _ in range(3)]
    assert answers[0] == {"jsonrpc": "2.0", "id": 1, "result": {}}
    assert answers[1]["params"] == {"level": "error", "data": "error"}
    assert answers[2]["id"] == 2


async def test_calls_run_side_by_side_and_are_answered_as_they_end(server: MCPServer, serve: Serve) -> None:
    tool = Tool(server)
    async with serve(handshake=True) as wire:
        wire.send(call(id=1), call(id="1"))
        await tool.running(2)
        assert (await wire.ask(PING))["id"] == 99
        tool.go_on.set()
        ids = [(await wire.receive())["id"] for _ in range(2)]
    assert set(ids) == {1, "1"}


async def test_an_id_can_t_be_used_twice_at_a_time(server: MCPServer, serve: Serve) -> None:
    tool = Tool(server)
    async with serve(handshake=True) as wire:
        wire.send(call(id=1))
        await tool.running()
        assert error_of(await wire.ask(call(id=1))) == (1, -32600)
        tool.go_on.set()
        assert (await wire.receive())["result"]["content"][0]["text"] == "done"
        assert "result" in await wire.ask(call(id=1))


async def test_too_many_calls_are_refused_and_cancellation_still_heard(
    server: MCPServer, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stdio, "MAX_CALLS", 2)
    tool = Tool(server)
    async with serve(handshake=True) as wire:
        wire.send(call(id=1), call(id=2))
        await tool.running(2)
        assert error_of(await wire.ask(call(id=3))) == (3, -32603)
        wire.send(cancel(1))
        async with asyncio.timeout(5):
            await tool.cancelled.wait()
        wire.send(call(id=4))
        await tool.running()
        tool.go_on.set()
        assert {(await wire.receive())["id"] for _ in range(2)} == {2, 4}


# Questions and changes


async def test_a_tool_asks_its_client_and_waits_for_the_answer(server: MCPServer, serve: Serve) -> None:
    @server.tool
    async def tool(ctx: Context) -> list[str]:
        return [str(root.uri) for root in await ctx.list_roots()]

    async with serve(handshake=True) as wire:
        question = await wire.ask(call())
        assert question["method"] == "roots/list"
        for unasked in ("nobody", 7):
            wire.send({"jsonrpc": "2.0", "id": unasked, "result": {"roots": []}})
        answer = {"jsonrpc": "2.0", "id": question["id"], "result": {"roots": [{"uri": "file:///home"}]}}
        wire.send(answer, answer)
        assert (await wire.receive())["result"]["structuredContent"] == {"result": ["file:///home"]}
        await wire.silence()


async def test_two_calls_that_ask_at_once_get_their_own_answers(server: MCPServer, serve: Serve) -> None:
    @server.tool
    async def tool(ctx: Context) -> list[str]:
        return [str(root.uri) for root in await ctx.list_roots()]

    async with serve(handshake=True) as wire:
        wire.send(call(id="a"), call(id="b"))
        questions = [await wire.receive() for _ in range(2)]
        assert len({question["id"] for question in questions}) == 2
        for number, question in reversed([*enumerate(questions)]):
            wire.send({"jsonrpc": "2.0", "id": question["id"], "result": {"roots": [{"uri": f"file:///{number}"}]}})
        answers = [await wire.receive() for _ in range(2)]
    found = {each["id"]: each["result"]["structuredContent"]["result"] for each in answers}
    assert found == {"a": ["file:///0"], "b": ["file:///1"]}


async def test_a_question_dies_with_its_call(server: MCPServer, serve: Serve) -> None:
    @server.tool
    async def tool(ctx: Context) -> None:
        await ctx.list_roots()

    async with serve(handshake=True) as wire:
        question = await wire.ask(call())
        wire.send(cancel(1))
        await wire.silence()
        wire.send({"jsonrpc": "2.0", "id": question["id"], "result": {"roots": []}})
        await wire.silence()


async def test_a_client_hears_of_changes_once_it_has_shaken_hands(server: MCPServer, serve: Serve) -> None:
    async with serve() as wire:
        await wire.ask(PING)
        server.add_tool(lambda: None, "before")
        await wire.ask(INITIALIZE)
        await wire.ask(INITIALIZE)
        server.add_tool(lambda: None, "after")
        assert (await wire.receive())["method"] == "notifications/tools/list_changed"
        await wire.silence()


@override_settings(MCP_DJANGO={"AUTH": "none", "STREAM_SECONDS": 0.01})
async def test_a_client_hears_of_changes_for_as_long_as_it_is_there(server: MCPServer, serve: Serve) -> None:
    """Over HTTP it could open another stream; here there is none to open."""
    async with serve(handshake=True) as wire:
        await asyncio.sleep(0.05)
        server.add_tool(lambda: None, "tool")
        assert (await wire.receive())["method"] == "notifications/tools/list_changed"


async def test_a_client_hears_of_the_resources_that_it_subscribed_to(server: MCPServer, serve: Serve) -> None:
    uri = "fixture://item"
    async with serve(handshake=True) as wire:
        server.notify_resource_updated(uri)
        assert (await wire.ask(request("resources/subscribe", {"uri": uri}, id=1)))["result"] == {}
        server.notify_resource_updated("fixture://other")
        server.notify_resource_updated(uri)
        updated = {"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"uri": uri}}
        assert await wire.receive() == updated
        assert (await wire.ask(request("resources/unsubscribe", {"uri": uri}, id=2)))["result"] == {}
        server.notify_resource_updated(uri)
        await wire.silence()


# Cancellation


@pytest.mark.parametrize("handshake", [True, False])
async def test_a_cancelled_call_ends_without_an_answer(server: MCPServer, serve: Serve, handshake: bool) -> None:
    tool = Tool(server)
    async with serve(handshake=handshake) as wire:
        wire.send(call(id="a") if handshake else modern("tools/call", {"name": "tool"}, id="a"))
        await tool.running()
        wire.send(cancel("a"))
        async with asyncio.timeout(5):
            await tool.cancelled.wait()
        after = request("tools/list", id="b") if handshake else modern("tools/list", id="b")
        assert (await wire.ask(after))["id"] == "b"


async def test_a_cancelled_sync_tool_sees_it(server: MCPServer, serve: Serve) -> None:
    began, ended = threading.Event(), threading.Event()

    @server.tool
    def tool(ctx: Context) -> None:
        began.set()
        while not ctx.cancelled:
            threading.Event().wait(0.001)
        ended.set()

    async with serve(handshake=True) as wire:
        wire.send(call())
        assert await asyncio.to_thread(began.wait, 5)
        wire.send(cancel(1))
        assert await asyncio.to_thread(ended.wait, 5)
        await wire.silence()


@pytest.mark.parametrize("request_id", [2, "1", True, 1.0, None, {}, [], [1], {"id": 1}])
async def test_cancelling_what_isn_t_there_does_nothing(server: MCPServer, serve: Serve, request_id: Any) -> None:
    tool = Tool(server)
    async with serve(handshake=True) as wire:
        wire.send(call(id=1))
        await tool.running()
        wire.send(cancel(request_id), {"jsonrpc": "2.0", "method": "notifications/cancelled"})
        await wire.silence()
        tool.go_on.set()
        assert (await wire.receive())["result"]["content"][0]["text"] == "done"


# Bad lines


async def test_a_line_that_is_no_message_is_refused_and_the_next_is_served(serve: Serve) -> None:
    async with serve(handshake=True) as wire:
        for line, code in ((b"nonsense", -32700), (b"[]", -32600), (b'{"jsonrpc":"1.0","id":1}', -32600)):
            wire.write(line + b"\n")
            assert error_of(await wire.receive()) == (None, code)
        await wire.silence()


async def test_empty_lines_and_other_line_ends_do_no_harm(serve: Serve) -> None:
    async with serve(handshake=True) as wire:
        wire.write(b"\n  \n\r\n" + json.dumps(PING).encode() + b"\r\n\n")
        assert (await wire.receive())["id"] == 99
        await wire.silence()


async def test_a_client_s_response_is_passed_over(serve: Serve) -> None:
    async with serve(handshake=True) as wire:
        wire.send({"jsonrpc": "2.0", "id": 0, "result": {}}, {"jsonrpc": "2.0", "method": "notifications/unheard"})
        await wire.silence()


@override_settings(MCP_DJANGO={"AUTH": "none", "MAX_BODY_BYTES": 300})
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize(("length", "served"), [(299, True), (300, True), (301, False), (302, False), (2000, False)])
async def test_a_line_that_is_too_long_is_refused_and_the_next_is_served(
    serve: Serve, length: int, served: bool, end: bytes
) -> None:
    line = json.dumps(PING).encode()
    async with serve(handshake=True) as wire:
        wire.write(line + b" " * (length - len(line)) + end)
        message = await wire.receive()
        assert (message["id"] == 99) if served else (error_of(message) == (None, -32600))
        await wire.silence()


@override_settings(MCP_DJANGO={"AUTH": "none", "MAX_BODY_BYTES": 300})
async def test_a_last_line_needs_no_end(serve: Serve) -> None:
    for line, key in ((json.dumps(PING).encode(), "result"), (b"x" * 1000, "error")):
        async with serve(handshake=True) as wire:
            wire.write(line)
            await wire.close()
            assert key in await wire.receive()
            assert await wire.receive() is None


# The end


async def test_calls_may_finish_when_the_client_closes_its_end(server: MCPServer, serve: Serve) -> None:
    tool = Tool(server)
    async with serve(handshake=True) as wire:
        wire.send(call())
        await tool.running()
        closing = asyncio.ensure_future(wire.close())
        await asyncio.sleep(0.01)
        assert not wire.task.done()
        tool.go_on.set()
        assert (await wire.receive())["result"]["content"][0]["text"] == "done"
        await closing


async def test_a_call_that_doesn_t_end_is_cancelled_after_a_moment(
    server: MCPServer, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stdio, "GRACE_SECONDS", 0.01)
    tool = Tool(server)
    async with serve(handshake=True) as wire:
        wire.send(call())
        await tool.running()
        await wire.close()
        assert tool.cancelled.is_set()
        assert await wire.receive() is None


@pytest.mark.parametrize("handshake", [True, False], ids=["asking", "listening"])
async def test_what_waits_for_the_client_ends_when_it_closes_its_end(
    server: MCPServer, serve: Serve, monkeypatch: pytest.MonkeyPatch, handshake: bool
) -> None:
    monkeypatch.setattr(stdio, "GRACE_SECONDS", 3)

    @server.tool
    async def tool(ctx: Context) -> None:
        await ctx.list_roots()

    async with serve(handshake=handshake) as wire:
        await wire.ask(call() if handshake else modern("subscriptions/listen", {"notifications": {}}))
        async with asyncio.timeout(2):
            await wire.close()


async def test_serving_can_be_cancelled_and_takes_its_calls_along(server: MCPServer) -> None:
    tool, (source, sink) = Tool(server), os.pipe()
    with (
        os.fdopen(source, "rb") as reader,
        os.fdopen(sink, "wb", buffering=0) as to_server,
        open(os.devnull, "wb") as writer,  # noqa: ASYNC230
    ):
        task = asyncio.ensure_future(StdioServer(server, ANONYMOUS, reader, writer).run())
        to_server.write(b"".join(json.dumps(each).encode() + b"\n" for each in (INITIALIZE, call())))
        await tool.running()
        task.cancel()
        async with asyncio.timeout(5):
            with pytest.raises(asyncio.CancelledError):
                await task
        assert tool.cancelled.is_set()


async def test_a_client_that_reads_no_more_does_no_harm(server: MCPServer) -> None:
    served = []
    server.add_tool(lambda: served.append(1), "tool")
    (source, sink), (unread, writing) = os.pipe(), os.pipe()
    os.close(unread)
    with os.fdopen(source, "rb") as reader, os.fdopen(writing, "wb", buffering=0) as writer:
        os.write(sink, b"".join(json.dumps(each).encode() + b"\n" for each in (INITIALIZE, call(1), call(2))))
        os.close(sink)
        async with asyncio.timeout(5):
            await StdioServer(server, ANONYMOUS, reader, writer).run()
    assert served == [1, 1]


async def test_reading_that_fails_is_the_end(server: MCPServer, tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as writer, (tmp_path / "in").open("wb") as unreadable:
        async with asyncio.timeout(2):
            await StdioServer(server, ANONYMOUS, unreadable, writer).run()


async def test_a_reader_that_is_far_ahead_waits(
    server: MCPServer, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipes, "READ_AHEAD", 2)
    async with serve() as wire:
        wire.send(*[request("ping", id=number) for number in range(100)])
        assert [(await wire.receive())["id"] for _ in range(100)] == list(range(100))


async def test_calls_that_come_together_are_not_too_many_as_long_as_they_end(
    server: MCPServer, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stdio, "MAX_CALLS", 5)

    @server.tool
    async def tool() -> str:
        return "done"

    async with serve(handshake=True) as wire:
        wire.send(*[call(number) for number in range(100)])
        answers = [await wire.receive() for _ in range(100)]
        assert [answer["id"] for answer in answers] == list(range(100))
        assert all("result" in answer for answer in answers)


# The process's own stdin and stdout


@contextmanager
def piped() -> Iterator[tuple[int, int]]:
    """Be a process whose stdin and stdout are pipes; yield the client's ends of them."""
    kept = os.dup(0), os.dup(1)
    (stdin, to_server), (from_server, stdout) = os.pipe(), os.pipe()
    os.dup2(stdin, 0)
    os.dup2(stdout, 1)
    try:
        yield to_server, from_server
    finally:
        for number, descriptor in enumerate(kept):
            os.dup2(descriptor, number)
        for descriptor in (*kept, stdin, stdout):
            os.close(descriptor)


def test_a_process_is_served_until_its_client_closes_its_end(
    server: MCPServer, capfd: pytest.CaptureFixture[str]
) -> None:
    @server.tool
    def tool() -> str:
        os.write(1, b"to descriptor 1\n")
        return repr(os.read(0, 10))

    with piped() as (to_server, from_server):
        os.write(to_server, b"".join(json.dumps(each).encode() + b"\n" for each in (INITIALIZE, call())))
        os.close(to_server)
        serve_stdio(server, ANONYMOUS)
        os.write(1, b"after\n")
        initialized, result, after = os.read(from_server, 10_000).splitlines()
    assert json.loads(initialized)["id"] == 0
    assert json.loads(result)["result"]["content"][0]["text"] == "b''"
    assert after == b"after"
    assert capfd.readouterr().err == "to descriptor 1\n"


def test_descriptors_are_given_back_after_an_error() -> None:
    def files(*descriptors: int) -> list[int]:
        return [os.fstat(each).st_ino for each in descriptors]

    def fail() -> None:
        with claimed_stdio() as (reader, writer):
            assert files(reader.fileno(), writer.fileno()) == before
            assert files(0, 1) != before
            raise LookupError

    with piped():
        before = files(0, 1)
        with pytest.raises(LookupError):
            fail()
        assert files(0, 1) == before


SCRIPT = """
import os, subprocess, sys
import django
django.setup()
from mcp_django.transports.stdio import claimed_stdio

print("before")
with claimed_stdio() as (reader, writer):
    print("print")
    os.write(1, b"descriptor\\n")
    subprocess.run(["echo", "child"], check=True)
    print(repr(sys.stdin.read()))
    writer.write(reader.readline())
    writer.flush()
print("after", reader.readline().decode())
"""


def test_whatever_a_process_prints_while_it_is_served_goes_to_stderr() -> None:
    command = [sys.executable, "-c", SCRIPT]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    buffered["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    done = subprocess.run(command, input=b"one\ntwo", env=buffered, capture_output=True, timeout=60, check=True)
    assert done.stdout == b"before\none\nafter two\n"
    assert sorted(done.stderr.split()) == [b"''", b"child", b"descriptor", b"print"]
