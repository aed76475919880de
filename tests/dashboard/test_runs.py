"""Runs of the console: their end, their limit, and what they are not a way around."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Permission, User
from django.test import AsyncClient, Client

from mcp_django import Context, MCPServer
from mcp_django.dashboard import runs
from mcp_django.dashboard.runs import Outcome, Run
from mcp_django.engine.context import Context as EngineContext
from mcp_django.models import Call
from mcp_django.transports.loop import stop_loop
from tests.dashboard.agents import Agents

URL = "/admin/mcp_django/dashboard/console/"
WAIT_SECONDS = 10

threads = pytest.mark.django_db(transaction=True)


class Slow:
    """A tool that runs until it is cancelled, or let go; what becomes of it."""

    def __init__(self) -> None:
        self.begun, self.let_go, self.cancelled = threading.Event(), threading.Event(), threading.Event()

    async def run(self, ctx: Context) -> str:
        """Wait."""
        await ctx.report_progress(1, 2, "begun")
        self.begun.set()
        try:
            while not self.let_go.is_set():
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return "let go"

    def work(self, ctx: Context) -> str:
        """Wait on a thread."""
        self.begun.set()
        self.let_go.wait(WAIT_SECONDS)
        return "worked"


@pytest.fixture
def slow(no_demo: None, server: MCPServer) -> Iterator[Slow]:
    slow = Slow()
    server.add_tool(slow.run, "slow")
    server.add_tool(slow.work, "work")
    yield slow
    slow.let_go.set()


def a_run(server: MCPServer, tool: str = "slow") -> Run:
    return Run(server, User(username="ada", pk=1), "tools/call", {"name": tool, "arguments": {}})


def token(key: str) -> str:
    return quote(f"fixture|tool|{key}")


@threads
def test_who_stops_reading_under_wsgi_cancels_the_call(server: MCPServer, slow: Slow) -> None:
    events = a_run(server).events()
    assert next(events)[0] == "notifications/progress"
    events.close()  # type: ignore[attr-defined]
    assert slow.cancelled.wait(WAIT_SECONDS)


@threads
def test_a_response_that_is_closed_cancels_its_call(server: MCPServer, slow: Slow, admin_client: Client) -> None:
    response: Any = admin_client.post(URL, {"component": token("slow"), "run": "1"})
    pieces = iter(response.streaming_content)
    while b"begun" not in next(pieces):
        pass
    response.close()
    assert slow.cancelled.wait(WAIT_SECONDS)


@pytest.mark.anyio
@threads
@pytest.mark.parametrize("how", ["closes", "is cancelled"])
async def test_who_leaves_under_asgi_cancels_the_call(server: MCPServer, slow: Slow, how: str) -> None:
    boss = await User.objects.acreate(username="boss", is_staff=True, is_superuser=True)
    client = AsyncClient()
    await client.aforce_login(boss)
    response: Any = await client.post(URL, {"component": token("slow"), "run": "1"})
    pieces = aiter(response.streaming_content)
    while b"begun" not in await anext(pieces):
        pass
    if how == "closes":
        await sync_to_async(response.close)()
    else:
        reading = asyncio.ensure_future(anext(pieces))
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    assert await asyncio.to_thread(slow.cancelled.wait, WAIT_SECONDS)


@threads
@pytest.mark.parametrize("tool", ["slow", "work"])
def test_a_run_past_its_limit_ends_and_says_so(
    server: MCPServer, slow: Slow, tool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "MAX_SECONDS", 0.05)
    outcome = list(a_run(server, tool).events())[-1]
    assert isinstance(outcome, Outcome)
    assert outcome.answer["error"]["message"] == "The console waits 0.05 seconds at most."
    assert slow.begun.is_set()
    if tool == "slow":
        assert slow.cancelled.is_set()


@threads
def test_the_page_says_that_a_run_was_too_long(
    server: MCPServer, slow: Slow, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "MAX_SECONDS", 0.05)
    response: Any = admin_client.post(URL, {"component": token("slow"), "run": "1"})
    page = b"".join(response.streaming_content).decode()
    assert "The console waits 0.05 seconds at most." in page
    assert page.rstrip().endswith("</html>")


@threads
def test_a_talkative_run_is_shown_up_to_a_limit(server: MCPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "MAX_SAID", 5)

    async def talk(ctx: EngineContext) -> str:
        for number in range(20):
            await ctx.report_progress(number, 20)
        return "done"

    server.add_tool(talk, "talk")
    events = list(a_run(server, "talk").events())
    assert len(events) == 6
    assert isinstance(events[-1], Outcome)


@threads
def test_a_call_that_ends_without_an_answer_ends_the_page(server: MCPServer, slow: Slow) -> None:
    run = a_run(server)
    events = run.events()
    next(events)
    stop_loop()  # as at the end of the process
    assert [each for each in events if isinstance(each, Outcome)] == []


@threads
def test_a_run_is_recorded_as_its_users_by_way_of_the_console(
    server: MCPServer, slow: Slow, agents: Agents, admin_client: Client
) -> None:
    User.objects.create(username="ada")
    slow.let_go.set()
    response: Any = admin_client.post(URL, {"component": token("slow"), "run": "1", "as": "ada"})
    b"".join(response.streaming_content)
    (call,) = [each for each in agents.written() if each.method == "tools/call"]
    assert (call.user, call.transport, call.principal) == (User.objects.get(username="ada"), "console", "local")
    assert (call.component, call.outcome) == ("slow", "ok")


@pytest.fixture
def steward(client: Client) -> Client:
    """May run components as others, and nothing else."""
    user = User.objects.create(username="steward", is_staff=True)
    codenames = ["run_component", "run_as_user"]
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return client


def run_as(client: Client, tool: str, name: str) -> str:
    response: Any = client.post(URL, {"component": token(tool), "run": "1", "as": name})
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode()


@pytest.mark.django_db
def test_what_the_other_user_may_not_have_looks_unknown(no_demo: None, server: MCPServer, steward: Client) -> None:
    @server.tool(permissions=["auth.add_user"])
    def secret() -> str:
        return "told"

    ada, bob = (User.objects.create(username=name) for name in ("ada", "bob"))
    ada.user_permissions.add(Permission.objects.get(codename="add_user"))
    assert "told" in run_as(steward, "secret", "ada")
    assert "Unknown tool: secret" in run_as(steward, "secret", "bob")
    assert "Unknown tool: secret" in run_as(steward, "secret", "")
    log = LogEntry.objects.order_by("pk").values_list("user__username", "object_repr", "change_message")
    assert list(log) == [
        ("steward", "tool secret (fixture)", f"Run in the console{whom}.") for whom in (" as ada", " as bob", "")
    ]
    assert bob.has_perm("auth.add_user") is False


@pytest.mark.django_db
def test_what_is_switched_off_looks_unknown_to_everybody(
    no_demo: None, server: MCPServer, steward: Client, django_capture_on_commit_callbacks: Any
) -> None:
    @server.tool
    def off() -> str:
        return "told"

    User.objects.create(username="ada")
    with django_capture_on_commit_callbacks(execute=True):
        server.disable("tool", "off")
    for name in ("ada", ""):
        page = run_as(steward, "off", name)
        assert "Unknown tool: off" in page
        assert "told" not in page


@pytest.mark.django_db
def test_permission_to_run_is_needed_to_run_as_another(
    no_demo: None, server: MCPServer, slow: Slow, client: Client
) -> None:
    user = User.objects.create(username="staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="run_as_user"))
    client.force_login(user)
    assert client.post(URL, {"component": token("slow"), "run": "1"}).status_code == 403
    assert not slow.begun.is_set()
    assert not LogEntry.objects.exists()


@pytest.mark.anyio
@threads
async def test_nothing_of_a_run_is_left_behind(server: MCPServer, slow: Slow) -> None:
    slow.let_go.set()
    run = a_run(server)
    said = [each async for each in run.aevents()]
    assert said[-1].answer["result"]["content"][0]["text"] == "let go"
    assert await sync_to_async(Call.objects.count)() == 0
