from __future__ import annotations

import asyncio
import inspect
import json
import logging
import threading
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, get_args

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.utils.translation import gettext_lazy
from mcp.server.mcpserver import ListRoots
from mcp_types import SamplingMessage, TextContent

from mcp_django import Context, MCPServer, ResourceError
from mcp_django.auth import Principal
from mcp_django.engine.dispatcher import answer
from mcp_django.engine.exchange import MODERN, Exchange
from mcp_django.engine.resources import ResourceContent
from mcp_django.engine.server import get_engine
from mcp_django.sessions.connection import Connection, LogLevel
from tests.conftest import Connect
from tests.wire import JSON_HEADERS, Call, modern_request, post, request

pytestmark = pytest.mark.anyio

LEVEL_KEY = "io.modelcontextprotocol/logLevel"
SEVERITIES = (10, 20, 20, 30, 40, 50, 50, 50)
LEVELS: tuple[LogLevel, ...] = get_args(LogLevel)
FROM_SYNC = pytest.mark.parametrize("sync", [False, True], ids=["async", "sync"])


class Client:
    """Calls a tool called ``tool``, and keeps what it hears meanwhile."""

    def __init__(self, server: MCPServer, version: str = MODERN, **options: Any) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Any] = {}
        self._options = {"version": version, "transport": "stdio", "channel": self, **options}
        self._server = server

    async def notify(self, method: str, params: dict[str, Any]) -> None:
        self.heard.append((method, params))

    async def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self.heard.append((method, params))
        return {"jsonrpc": "2.0", "id": 1, "result": self.answers[method]}

    async def call(self, **meta: Any) -> str:
        """Return the text of the result."""
        result = await self.result(**meta)
        return "".join(block["text"] for block in result["content"])

    async def result(self, *, again: Any = None, **meta: Any) -> Any:
        """Return the result; ``again`` is what goes with a call that answers questions."""
        params = {"name": "tool", "arguments": {}, "_meta": meta, **(again or {})}
        if self._options["version"] == MODERN:
            meta.update({"io.modelcontextprotocol/protocolVersion": MODERN})
            meta.update({"io.modelcontextprotocol/clientCapabilities": {}})
        engine = get_engine(self._server)
        exchange = Exchange(engine=engine, method="tools/call", params=params, request_id=1, **self._options)
        return json.loads((await answer(exchange)).body)["result"]


def declare(server: MCPServer, sync: bool, speak: Callable[[Context], Awaitable[None] | None]) -> None:
    """Declare a tool that does what ``speak`` does, sync or async as that is."""

    async def async_tool(ctx: Context) -> None:
        await speak(ctx)  # type: ignore[misc]

    def sync_tool(ctx: Context) -> None:
        speak(ctx)

    server.add_tool(sync_tool if sync else async_tool, "tool")


# Who asks, and how


async def test_over_http_a_context_tells_who_asks_and_how(server: MCPServer, application: Any) -> None:
    seen: list[Context] = []

    @server.tool
    async def tool(ctx: Context) -> None:
        seen.append(ctx)

    envelope = {
        "io.modelcontextprotocol/clientInfo": {"name": "inspector", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {"sampling": {}},
    }
    message, headers = modern_request("tools/call", {"name": "tool"}, id="seven", **envelope, extra=1)
    await post(application, message, headers={**headers, "X-Tenant": "north"})
    await post(application, request("tools/call", {"name": "tool"}, id=7))
    new, old = seen
    assert isinstance(new.user, AnonymousUser)
    assert new.client_id is None
    assert new.client_info == {"name": "inspector", "version": "1"}
    assert new.client_capabilities == {"sampling": {}}
    assert (new.request_id, new.protocol_version, new.transport) == ("seven", MODERN, "streamable-http")
    assert new.headers["x-tenant"] == "north"
    assert new.meta["extra"] == 1
    assert (old.request_id, old.protocol_version, old.transport) == ("7", "2025-03-26", "streamable-http")
    assert (old.client_info, old.client_capabilities, old.meta) == (None, {}, {})


async def test_the_user_and_the_client_are_the_principal_s(server: MCPServer) -> None:
    @server.tool
    async def tool(ctx: Context) -> str:
        return f"{ctx.user.get_username()} by {ctx.client_id}, {len(ctx.headers)} headers"

    principal = Principal(User(username="ada"), client_id="assistant")
    assert await Client(server, principal=principal).call() == "ada by assistant, 0 headers"


async def test_claims_of_the_wrong_form_count_as_none(server: MCPServer) -> None:
    @server.tool
    async def tool(ctx: Context) -> str:
        return f"{ctx.client_info} {ctx.client_capabilities}"

    assert await Client(server, client_info="me", client_capabilities=["all"]).call() == "None {}"


async def test_a_function_never_holds_a_credential(server: MCPServer, application: Any) -> None:
    @server.tool
    async def tool(ctx: Context) -> list[str]:
        return [value for value in ctx.headers.values() if "hunter2" in value]

    message, headers = modern_request("tools/call", {"name": "tool"})
    secrets = {"authorization": "Bearer hunter2", "cookie": "sessionid=hunter2"}
    response = await post(application, message, headers={**headers, **secrets})
    assert response.json["result"]["structuredContent"] == {"result": []}


async def test_prompts_and_resources_get_a_context_too(server: MCPServer, connect: Connect) -> None:
    @server.prompt
    def ask(subject: str, *, caller: Context) -> str:
        return f"{subject} in {caller.protocol_version}"

    @server.resource("fixture://static")
    async def static(c: Context) -> str:
        return c.transport

    async with connect(MODERN) as client:
        prompt = await client.get_prompt("ask", {"subject": "polls"})
        read = await client.read_resource("fixture://static")
    assert prompt.messages[0].content.text == f"polls in {MODERN}"  # type: ignore[union-attr]
    assert read.contents[0].text == "streamable-http"  # type: ignore[union-attr]


# Progress


@FROM_SYNC
@pytest.mark.parametrize("token", [7, "7"])
async def test_progress_goes_out_under_the_client_s_own_token(server: MCPServer, token: int | str, sync: bool) -> None:
    async def speak(ctx: Context) -> None:
        await ctx.report_progress(0)
        await ctx.report_progress(1.5, 3, "half")

    def speak_sync(ctx: Context) -> None:
        ctx.report_progress_sync(0)
        ctx.report_progress_sync(1.5, 3, "half")

    declare(server, sync, speak_sync if sync else speak)
    client = Client(server)
    assert await client.call(progressToken=token) == ""
    assert client.heard == [
        ("notifications/progress", {"progressToken": token, "progress": 0}),
        ("notifications/progress", {"progressToken": token, "progress": 1.5, "total": 3, "message": "half"}),
    ]
    assert type(client.heard[0][1]["progressToken"]) is type(token)


@FROM_SYNC
async def test_without_a_token_there_is_no_progress(server: MCPServer, sync: bool) -> None:
    async def speak(ctx: Context) -> None:
        await ctx.report_progress(1)

    declare(server, sync, (lambda ctx: ctx.report_progress_sync(1)) if sync else speak)
    client = Client(server)
    assert await client.call() == ""
    assert client.heard == []


# Logging


@FROM_SYNC
async def test_each_level_has_a_method_of_its_name(
    server: MCPServer, caplog: pytest.LogCaptureFixture, sync: bool
) -> None:
    async def speak(ctx: Context) -> None:
        await ctx.debug("a")
        await ctx.info("b", logger_name="polls")
        await ctx.warning("c")
        await ctx.error("d")

    def speak_sync(ctx: Context) -> None:
        ctx.debug_sync("a")
        ctx.info_sync("b", logger_name="polls")
        ctx.warning_sync("c")
        ctx.error_sync("d")

    declare(server, sync, speak_sync if sync else speak)
    client = Client(server)
    with caplog.at_level(logging.DEBUG, "mcp_django.tool"):
        assert await client.call(**{LEVEL_KEY: "debug"}) == ""
    assert client.heard == [
        ("notifications/message", {"level": "debug", "data": "a"}),
        ("notifications/message", {"level": "info", "data": "b", "logger": "polls"}),
        ("notifications/message", {"level": "warning", "data": "c"}),
        ("notifications/message", {"level": "error", "data": "d"}),
    ]
    assert caplog.record_tuples == [
        ("mcp_django.tool", level, text) for level, text in zip((10, 20, 30, 40), "abcd", strict=True)
    ]


@FROM_SYNC
async def test_django_s_logging_gets_every_line_at_its_severity_whatever_the_client_hears(
    server: MCPServer, caplog: pytest.LogCaptureFixture, sync: bool
) -> None:
    async def speak(ctx: Context) -> None:
        for level in LEVELS:
            await ctx.log(level, level)

    def speak_sync(ctx: Context) -> None:
        for level in LEVELS:
            ctx.log_sync(level, level)

    declare(server, sync, speak_sync if sync else speak)
    client = Client(server)
    with caplog.at_level(logging.DEBUG, "mcp_django.tool"):
        await client.call()
    assert client.heard == []
    assert caplog.record_tuples == [
        ("mcp_django.tool", severity, level) for severity, level in zip(SEVERITIES, LEVELS, strict=True)
    ]


@pytest.mark.parametrize("least", LEVELS)
@pytest.mark.parametrize("version", ["2025-06-18", MODERN])
async def test_a_client_hears_what_is_at_least_as_severe_as_it_asked_for(
    server: MCPServer, version: str, least: Any
) -> None:
    async def speak(ctx: Context) -> None:
        for level in LEVELS:
            await ctx.log(level, level)

    declare(server, False, speak)
    connection = None if version == MODERN else Connection(version, log_level=least)
    client = Client(server, version, connection=connection)
    await client.call(**{LEVEL_KEY: least} if version == MODERN else {})
    heard = [params["level"] for _, params in client.heard]
    assert heard == list(LEVELS[LEVELS.index(least) :])


async def test_an_official_client_hears_the_log_when_its_revision_lets_it(
    server: MCPServer, connect: Connect, era: str
) -> None:
    @server.tool
    def tool(ctx: Context) -> None:
        ctx.debug_sync("quiet")
        ctx.info_sync({"step": 1})

    heard: dict[str | None, list[Any]] = {None: [], "info": []}
    for level, lines in heard.items():

        async def hear(params: Any, lines: list[Any] = lines) -> None:
            lines.append((params.level, params.data))

        async with connect(era, logging_callback=hear, log_level=level) as client:
            await client.call_tool("tool", {})
    assert heard["info"] == [("info", {"step": 1})]
    assert heard[None] == (heard["info"] if era == "legacy" else [])


async def test_what_json_can_t_hold_is_told_as_text(server: MCPServer, application: Any) -> None:
    @server.tool
    async def tool(ctx: Context) -> None:
        await ctx.info({"words": gettext_lazy("Home"), "who": User(username="ada"), "much": float("nan")})

    response = await post(application, request("tools/call", {"name": "tool"}))
    line = next(line for line in response.body.decode().splitlines() if line.startswith("data: "))
    message = json.loads(line.removeprefix("data: "), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert message["params"]["data"]["words"] == "Home"
    assert message["params"]["data"]["who"] == "ada"


# Resources


@FROM_SYNC
async def test_a_function_reads_resources_of_its_own_server(server: MCPServer, sync: bool) -> None:
    @server.resource("fixture://items/{number}", mime_type="text/plain")
    def item(number: int, ctx: Context) -> str:
        return f"item {number} for {ctx.user.get_username()}"

    @server.resource("fixture://picture")
    async def picture() -> bytes:
        return b"\x00"

    read: list[list[ResourceContent]] = []

    async def speak(ctx: Context) -> None:
        read.extend([await ctx.read_resource("fixture://items/3"), await ctx.read_resource("fixture://picture")])

    def speak_sync(ctx: Context) -> None:
        read.extend([ctx.read_resource_sync("fixture://items/3"), ctx.read_resource_sync("fixture://picture")])

    declare(server, sync, speak_sync if sync else speak)
    assert await Client(server, principal=Principal(User(username="ada"))).call() == ""
    assert [(each.content, each.mime_type) for (each,) in read] == [
        ("item 3 for ada", "text/plain"),
        (b"\x00", "application/octet-stream"),
    ]


@FROM_SYNC
async def test_reading_what_isn_t_there_is_an_error_that_a_function_can_catch(server: MCPServer, sync: bool) -> None:
    async def speak(ctx: Context) -> None:
        with pytest.raises(ResourceError, match="Unknown resource: fixture://nothing"):
            await ctx.read_resource("fixture://nothing")
        await ctx.read_resource("fixture://nothing")

    def speak_sync(ctx: Context) -> None:
        with pytest.raises(ResourceError, match="Unknown resource: fixture://nothing"):
            ctx.read_resource_sync("fixture://nothing")
        ctx.read_resource_sync("fixture://nothing")

    declare(server, sync, speak_sync if sync else speak)
    assert await Client(server).call() == "Unknown resource: fixture://nothing"


async def test_reading_what_fails_tells_what_its_author_meant_to_tell(server: MCPServer) -> None:
    @server.resource("fixture://sold-out")
    def sold_out() -> str:
        raise ResourceError("Sold out.")

    @server.resource("fixture://crash")
    def crash() -> str:
        raise LookupError("hunter2")

    told: list[str] = []

    async def speak(ctx: Context) -> None:
        for uri in ("fixture://sold-out", "fixture://crash"):
            with pytest.raises(ResourceError) as raised:
                await ctx.read_resource(uri)
            told.append(str(raised.value))

    declare(server, False, speak)
    assert await Client(server).call() == ""
    assert told == ["Sold out.", "Resource 'fixture://crash' failed unexpectedly. The error was logged."]


async def test_a_resource_read_by_a_tool_speaks_to_the_same_client_under_its_own_name(
    server: MCPServer, caplog: pytest.LogCaptureFixture
) -> None:
    @server.resource("fixture://inner", name="inner")
    async def inner(ctx: Context) -> str:
        await ctx.report_progress(1)
        await ctx.warning("from inside")
        return "text"

    async def speak(ctx: Context) -> None:
        await ctx.read_resource("fixture://inner")
        await ctx.warning("from outside")

    declare(server, False, speak)
    client = Client(server)
    await client.call(progressToken=1, **{LEVEL_KEY: "info"})
    assert [params.get("data", "progress") for _, params in client.heard] == ["progress", "from inside", "from outside"]
    assert [record.name for record in caplog.records] == ["mcp_django.inner", "mcp_django.tool"]


# Questions: what they come to, tests/engine/test_questions.py has

CAPABLE: Any = {"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}}
ANSWERS = {
    "elicitation/create": {"action": "accept", "content": {}},
    "sampling/createMessage": {"role": "assistant", "content": {"type": "text", "text": "Calm."}, "model": "m"},
    "roots/list": {"roots": []},
}


@FROM_SYNC
async def test_a_question_is_named_by_its_place_unless_its_author_names_it(server: MCPServer, sync: bool) -> None:
    form, told = {"type": "object", "properties": {}}, []

    async def speak(ctx: Context) -> None:
        await ctx.elicit("Sure?", form)
        await ctx.elicit_url("Sign in.", "https://example.com", "e1", key="page")
        await ctx.sample("Describe the sky.", max_tokens=10)
        await ctx.list_roots()
        told.append(len(await ctx.ask({"a": ListRoots(), "b": ListRoots()})))

    def speak_sync(ctx: Context) -> None:
        ctx.elicit_sync("Sure?", form)
        ctx.elicit_url_sync("Sign in.", "https://example.com", "e1", key="page")
        ctx.sample_sync("Describe the sky.", max_tokens=10)
        ctx.list_roots_sync()
        told.append(len(ctx.ask_sync({"a": ListRoots(), "b": ListRoots()})))

    declare(server, sync, speak_sync if sync else speak)
    client = Client(server, client_capabilities=CAPABLE)
    again: Any = {}
    keys = []
    while (result := await client.result(again=again))["resultType"] == "input_required":
        asked = result["inputRequests"]
        keys.append(list(asked))
        answers = {key: ANSWERS[question["method"]] for key, question in asked.items()}
        again = {"requestState": result["requestState"], "inputResponses": answers}
    assert keys == [["elicitation_1"], ["page"], ["sampling_3"], ["roots_4"], ["a", "b"]]
    assert (told, client.heard) == ([2], [])


async def test_a_conversation_can_be_sampled(server: MCPServer) -> None:
    said = [SamplingMessage(role=role, content=TextContent(text=role)) for role in ("user", "assistant")]

    @server.tool
    async def tool(ctx: Context) -> str:
        return str((await ctx.sample(said, max_tokens=10, key="next")).content.text)

    ((_, question),) = (await Client(server, client_capabilities=CAPABLE).result())["inputRequests"].items()
    assert [each["content"]["text"] for each in question["params"]["messages"]] == ["user", "assistant"]


@FROM_SYNC
async def test_a_handshake_client_can_be_asked_whether_it_is_there(server: MCPServer, sync: bool) -> None:
    async def speak(ctx: Context) -> None:
        await ctx.ping()

    declare(server, sync, (lambda ctx: ctx.ping_sync()) if sync else speak)
    client = Client(server, "2025-11-25", connection=Connection("2025-11-25"))
    client.answers = {"ping": {}}
    assert await client.call() == ""
    assert client.heard == [("ping", {})]
    assert (await Client(server).result())["isError"]


async def test_a_function_can_tell_what_its_client_offers(server: MCPServer) -> None:
    @server.tool
    async def tool(ctx: Context) -> str:
        return f"{ctx.supports('elicitation')} {ctx.supports('sampling')}"

    assert await Client(server, client_capabilities={"elicitation": {}}).call() == "True False"
    assert await Client(server).call() == "False False"


# Cancellation


@pytest.mark.parametrize("end", ["leave", "cancel", "time out"])
async def test_who_works_for_nobody_sees_it_and_so_does_a_resource_that_a_tool_reads(
    server: MCPServer, application: Any, end: str
) -> None:
    began, seen = threading.Event(), []

    def look(ctx: Context) -> None:
        deadline = monotonic() + 1
        while not ctx.cancelled and monotonic() < deadline:
            threading.Event().wait(0.001)
        seen.append(ctx.cancelled)

    @server.resource("fixture://slow", timeout=0)
    def slow(ctx: Context) -> str:
        began.set()
        look(ctx)
        return ""

    @server.tool(timeout=0.05 if end == "time out" else 0)
    def tool(ctx: Context) -> None:
        assert not ctx.cancelled
        try:
            ctx.read_resource_sync("fixture://slow")
        finally:
            look(ctx)

    call = Call(application, json.dumps(request("tools/call", {"name": "tool"})).encode(), headers=JSON_HEADERS)
    ends = {"leave": call.disconnect, "cancel": call.task.cancel, "time out": lambda: None}
    async with asyncio.timeout(10):
        await asyncio.to_thread(began.wait, 5)
        ends[end]()
        await asyncio.gather(call.finished(), return_exceptions=True)
        while len(seen) < 2:
            await asyncio.sleep(0.001)
    assert seen == [True, True]


def test_whatever_speaks_to_the_client_can_be_said_from_sync_code() -> None:
    for name, member in vars(Context).items():
        if inspect.iscoroutinefunction(member) and not name.startswith("_"):
            twin = getattr(Context, f"{name}_sync")
            assert inspect.signature(twin).parameters.keys() == inspect.signature(member).parameters.keys()


def test_without_a_token_sync_code_reports_progress_even_where_no_loop_runs(server: MCPServer) -> None:
    exchange = Exchange(
        engine=get_engine(server), method="ping", params={}, request_id=1, version=MODERN, transport="stdio"
    )
    Context(exchange).report_progress_sync(1)
