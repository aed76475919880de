"""The endpoint as a plain view: what comes back, and under which of Django's rules it runs.

tests/differential compares its answers with those of the consumer, byte by byte.
"""

from __future__ import annotations

import gc
import io
import threading
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from django.contrib.auth.models import Group
from django.core.handlers.asgi import ASGIHandler
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, TestCase, override_settings
from django.urls import resolve
from django.utils.translation import get_language
from mcp import Client as MCPClient
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ElicitResult, PromptReference
from pydantic import BaseModel

from mcp_django import Context, MCPServer, ToolError
from mcp_django.engine.clock import Clock
from mcp_django.models import Session
from mcp_django.sessions import hub
from mcp_django.transports import loop
from tests.sessions.switch import sessions_on
from tests.views import PATH, in_the_urlconf, post_to_view, read, send
from tests.wire import modern_request, request

SECONDS = 10
CALL = request("tools/call", {"name": "tool"})
MODERN_CALL, MODERN_HEADERS = modern_request("tools/call", {"name": "tool"})
CSRF = "django.middleware.csrf.CsrfViewMiddleware"
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}


class Word(BaseModel):
    word: str


@pytest.fixture(autouse=True)
def _routed(server: MCPServer) -> Iterator[None]:
    with in_the_urlconf():
        yield


def text_of(response: Any) -> str:
    return str(response.json["result"]["content"][0]["text"])


@asynccontextmanager
async def official_client(mode: str, **options: Any) -> Any:
    """Connect the official client through Django's own ASGI handler."""
    road = httpx2.ASGITransport(app=ASGIHandler())
    async with httpx2.AsyncClient(transport=road, base_url="http://testserver") as http:
        way = streamable_http_client(f"http://testserver{PATH}", http_client=http)
        async with MCPClient(way, mode=mode, **options) as client:
            yield client


# What is served


@pytest.mark.anyio
async def test_the_official_client_uses_every_kind_of_component(server: MCPServer, era: str) -> None:
    server.add_tool(lambda number: number, "echo")
    server.add_resource("notes://all", lambda: "all notes", "all")
    server.add_resource("notes://{name}", lambda name: f"note {name}", "one")
    server.add_prompt(lambda tone: f"Be {tone}.", "letter", complete={"tone": ["warm", "cold"]})
    async with official_client(era) as client:
        called = await client.call_tool("echo", {"number": 3})
        assert called.content[0].text == "3"
        assert [each.name for each in (await client.list_tools()).tools] == ["echo"]
        assert (await client.read_resource("notes://all")).contents[0].text == "all notes"
        assert (await client.read_resource("notes://b")).contents[0].text == "note b"
        assert (await client.get_prompt("letter", {"tone": "warm"})).messages[0].content.text == "Be warm."
        completed = await client.complete(PromptReference(name="letter"), {"name": "tone", "value": "c"})
        assert completed.completion.values == ["cold"]


@pytest.mark.anyio
async def test_a_client_of_2026_07_28_can_be_asked(server: MCPServer) -> None:
    @server.tool
    async def tool(ctx: Context) -> str:
        return str((await ctx.elicit("A word?", Word)).data.word)

    async def answer(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action="accept", content={"word": "so"})

    async with official_client("2026-07-28", elicitation_callback=answer) as client:
        assert (await client.call_tool("tool", {})).content[0].text == "so"


def test_a_handshake_client_cannot_be_asked(server: MCPServer) -> None:
    @server.tool
    async def tool(ctx: Context) -> str:
        return str(await ctx.elicit("A word?", Word))

    response = post_to_view(CALL)
    assert response.json["result"]["isError"]
    assert text_of(response) == "The client can't be asked anything: it has no session."


@pytest.mark.parametrize(("message", "headers"), [(CALL, {}), (MODERN_CALL, MODERN_HEADERS)], ids=["legacy", "modern"])
def test_what_a_function_says_before_its_answer_is_dropped(server: MCPServer, message: Any, headers: Any) -> None:
    @server.tool
    def tool(ctx: Context) -> str:
        ctx.report_progress_sync(1)
        ctx.error_sync("heard in the log alone")
        return "done"

    meta = {**message["params"].get("_meta", {}), "progressToken": 1}
    response = post_to_view({**message, "params": {**message["params"], "_meta": meta}}, headers)
    assert (response.headers["content-type"], text_of(response)) == ("application/json", "done")


@pytest.mark.django_db
def test_a_handshake_opens_no_session(settings: Any) -> None:
    with sessions_on(settings):
        response = post_to_view(request("initialize", HELLO))
    assert response.json["result"]["protocolVersion"] == "2025-06-18"
    assert response.json["result"]["capabilities"]["resources"] == {"subscribe": False, "listChanged": False}
    assert "mcp-session-id" not in response.headers
    assert not Session.objects.exists()


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "OPTIONS"])
def test_there_is_nothing_but_post(method: str, settings: Any) -> None:
    with sessions_on(settings):
        response = post_to_view(b"", {"mcp-session-id": "any"}, method=method)
    assert (response.status, response.headers["allow"]) == (405, "POST")


def test_there_is_no_stream_to_listen_to_and_nobody_says_so() -> None:
    message, headers = modern_request("subscriptions/listen", {"notifications": {"toolsListChanged": True}})
    assert post_to_view(message, headers).json["error"]["message"].startswith("This endpoint has no streams")
    message, headers = modern_request("server/discover")
    assert post_to_view(message, headers).json["result"]["capabilities"]["tools"] == {"listChanged": False}


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_notification_gets_202_and_no_body(slash: str) -> None:
    response = post_to_view({"jsonrpc": "2.0", "method": "notifications/initialized"}, path=PATH + slash)
    assert (response.status, response.body, response.headers) == (202, b"", {"content-length": "0"})


# What is refused


@override_settings(MCP_DJANGO={"AUTH": "none", "MAX_BODY_BYTES": 100})
def test_a_body_that_is_too_large_is_refused() -> None:
    assert post_to_view(b" " * 100).status == 400
    assert post_to_view(b" " * 101).status == 413


@override_settings(MCP_DJANGO={"AUTH": "none", "MAX_BODY_BYTES": 100})
def test_a_body_that_is_larger_than_it_says_is_read_no_further() -> None:
    """Only an ASGI handler of Django's lets one come so far."""
    body = io.BytesIO(b" " * 1000)
    asked = RequestFactory().post(PATH, content_type="application/json", headers={"accept": "*/*"})
    asked._stream = body  # type: ignore[attr-defined]
    found = resolve(PATH)
    assert found.func(asked).status_code == 413
    assert body.tell() == 101


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=10)
def test_the_limit_of_forms_is_not_that_of_messages() -> None:
    assert post_to_view(request("ping")).status == 200


def test_a_body_without_its_length_is_refused_rather_than_taken_for_an_empty_one() -> None:
    asked = RequestFactory().generic("POST", PATH, b"", headers={"accept": "*/*", "transfer-encoding": "chunked"})
    asked.META["CONTENT_TYPE"] = "application/json"
    assert resolve(PATH).func(asked).status_code == 411


def test_a_client_that_leaves_before_its_body_is_complete_is_no_crash(caplog: pytest.LogCaptureFixture) -> None:
    class Gone(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError

    asked = RequestFactory().post(PATH, content_type="application/json", headers={"accept": "*/*"})
    asked._stream = Gone()  # type: ignore[attr-defined]
    assert resolve(PATH).func(asked).status_code == 400
    assert not caplog.records


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"host": "evil.example"}, 421), ({"origin": "https://evil.example"}, 403), ({"accept": "text/html"}, 406)],
)
def test_whoever_may_not_ask_is_refused(headers: dict[str, str | None], status: int) -> None:
    assert post_to_view(CALL, headers).status == status


def test_a_crash_is_one_neutral_sentence(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def crash(*args: Any) -> None:
        raise ValueError("secret")

    monkeypatch.setattr("mcp_django.transports.django_view.modern_exchange", crash)
    response = post_to_view(MODERN_CALL, MODERN_HEADERS)
    assert (response.status, response.json["error"]["message"]) == (500, "Internal server error")
    assert "secret" in caplog.text


# Django's rules


@override_settings(MIDDLEWARE=[CSRF])
def test_it_needs_no_csrf_token() -> None:
    client = Client(enforce_csrf_checks=True)
    assert read(send(client, request("ping"))).json["result"] == {}


@pytest.fixture
def atomic_requests() -> Iterator[None]:
    connections["default"].settings_dict["ATOMIC_REQUESTS"] = True
    yield
    connections["default"].settings_dict["ATOMIC_REQUESTS"] = False


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("atomic_requests")
@pytest.mark.parametrize("name", ["in_sync", "in_async"])
def test_atomic_requests_is_the_call_s_own_transaction(server: MCPServer, name: str) -> None:
    def in_sync(group: str, fail: bool) -> None:
        Group.objects.create(name=group)
        if fail:
            raise ToolError("It failed.")

    async def in_async(group: str, fail: bool) -> None:
        await Group.objects.acreate(name=group)
        if fail:
            raise ToolError("It failed.")

    server.add_tool(in_sync)
    server.add_tool(in_async)
    for group, fail in (("kept", False), ("lost", True)):
        message = request("tools/call", {"name": name, "arguments": {"group": group, "fail": fail}})
        assert bool(post_to_view(message).json["result"].get("isError")) is fail
    assert list(Group.objects.values_list("name", flat=True)) == ["kept"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("atomic_requests")
def test_atomic_requests_opens_no_transaction_around_the_view(server: MCPServer) -> None:
    """Inside one, the call would run on the thread of the request, where its timeout could not end the waiting."""
    server.add_tool(lambda: threading.current_thread() is threading.main_thread(), "tool")
    assert text_of(post_to_view(CALL)) == "false"


def in_a_transaction(get_response: Any) -> Any:
    """A middleware that opens a transaction, and rolls it back."""

    def middleware(asked: HttpRequest) -> HttpResponse:
        with transaction.atomic():
            response: HttpResponse = get_response(asked)
            transaction.set_rollback(True)
        return response

    return middleware


@pytest.mark.django_db(transaction=True)
@override_settings(MIDDLEWARE=[f"{__name__}.in_a_transaction"])
def test_a_transaction_that_is_open_is_joined(server: MCPServer) -> None:
    @server.tool
    def tool() -> int:
        Group.objects.create(name="gone")
        return Group.objects.count()

    assert text_of(post_to_view(CALL)) == "1"
    assert not Group.objects.exists()


@override_settings(
    MIDDLEWARE=["django.middleware.locale.LocaleMiddleware"], LANGUAGES=[("en", "English"), ("de", "German")]
)
def test_a_sync_function_sees_the_language_that_middleware_chose(server: MCPServer) -> None:
    server.add_tool(lambda: get_language(), "tool")
    assert text_of(post_to_view(CALL, {"accept-language": "de"})) == "de"


def test_a_sync_function_that_takes_too_long_doesn_t_keep_the_client_waiting(server: MCPServer) -> None:
    started, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    @server.tool(timeout=0.01)
    def tool(ctx: Context) -> None:
        started.set()
        go_on.wait(SECONDS)
        assert ctx.cancelled
        ended.set()

    response = post_to_view(CALL)
    while not started.is_set():  # a busy machine had no thread for it in time
        response = post_to_view(CALL)
    assert not ended.is_set()
    assert "took longer than 0.01 seconds" in text_of(response)
    go_on.set()
    assert ended.wait(SECONDS)


def test_requests_on_several_threads_are_served_side_by_side(server: MCPServer) -> None:
    together = threading.Barrier(3, timeout=SECONDS)

    @server.tool
    def tool() -> None:
        together.wait()

    statuses: list[Any] = []
    asking = [threading.Thread(target=lambda: statuses.append(post_to_view(CALL).json["result"])) for _ in range(3)]
    for each in asking:
        each.start()
    for each in asking:
        each.join(SECONDS)
    assert [each.get("isError", False) for each in statuses] == [False] * 3


@pytest.mark.django_db(transaction=True)
def test_many_requests_leave_nothing_behind(server: MCPServer) -> None:
    """A request may find the thread of the one before it still closing up, and so begin another: a few, and no more."""
    opened: list[Any] = []

    @server.tool
    def tool() -> None:
        Group.objects.count()
        opened.append(connections["default"])

    def kept() -> dict[int, Any]:
        """Return all that a loop may leave; those of earlier tests may go meanwhile, so they are told apart."""
        gc.collect()
        return {id(each): each for each in gc.get_objects() if type(each) in (hub.Hub, loop.LoopThread, Clock)}

    post_to_view(CALL)
    before, threads_before = kept(), threading.active_count()
    for _ in range(200):
        assert post_to_view(CALL).status == 200
    assert kept().keys() - before.keys() == set()
    assert threading.active_count() < threads_before + 10
    assert len({id(each) for each in opened}) < 10


class TestCaseTransactions(TestCase):
    """What a test has written is there for tools, and what they write goes with the test."""

    def setUp(self) -> None:
        server = MCPServer("test-case")
        Group.objects.create(name="test")

        @server.tool
        def in_sync() -> int:
            Group.objects.create(name="sync")
            return Group.objects.count()

        @server.tool
        async def in_async() -> int:
            await Group.objects.acreate(name="async")
            return await Group.objects.acount()

        self.enterContext(in_the_urlconf())

    def messages(self) -> list[Any]:
        return [request("tools/call", {"name": name}) for name in ("in_sync", "in_async")]

    def test_with_the_client(self) -> None:
        responses = [read(send(self.client, each, path="/mcp/test-case")) for each in self.messages()]
        assert [text_of(each) for each in responses] == ["2", "3"]
        assert Group.objects.count() == 3

    async def test_with_the_async_client(self) -> None:
        responses = [
            read(await send(self.async_client, each, {"host": None}, path="/mcp/test-case")) for each in self.messages()
        ]
        assert [text_of(each) for each in responses] == ["2", "3"]
        assert await Group.objects.acount() == 3
