"""The console: forms, runs, and what it doesn't allow."""

from __future__ import annotations

import html
import json
import re
from typing import Annotated, Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Permission, User
from django.test import AsyncClient, Client
from pydantic import BaseModel, Field

from mcp_django import Context, Image, MCPServer, ToolError
from tests.dashboard.conftest import SignIn
from tests.dashboard.html import assert_valid

pytestmark = pytest.mark.django_db

URL = "/admin/mcp_django/dashboard/console/"
RUN, RUN_AS = "run_component", "run_as_user"
PNG = bytes.fromhex("89504e470d0a1a0a")


class Row(BaseModel):
    name: str
    size: int


class Sure(BaseModel):
    sure: bool
    why: str = ""


def token(key: str, kind: str = "tool") -> str:
    return quote(f"fixture|{kind}|{key}")


@pytest.fixture(autouse=True)
def server(no_demo: None, server: MCPServer) -> MCPServer:
    @server.tool
    def rows(count: Annotated[int, Field(ge=1, le=5)] = 2) -> list[Row]:
        return [Row(name=f"<i>{number}</i>", size=number) for number in range(count)]

    @server.tool
    def whoami(ctx: Context) -> str:
        return f"I am {ctx.user.get_username()}"

    @server.tool(permissions=["auth.add_user"])
    def secret() -> str:
        return "told"

    @server.tool
    async def slow(ctx: Context) -> str:
        await ctx.report_progress(1, 4, "<counting>")
        await ctx.info("a <hint>")
        return "done"

    return server


@pytest.fixture(autouse=True)
def _more(server: MCPServer) -> None:
    @server.tool
    def picture() -> Image:
        return Image(data=PNG, mime_type="image/png")

    @server.tool
    def drawing() -> Image:
        return Image(data=b"<svg onload='alert(1)'/>", mime_type="image/svg+xml")

    @server.tool
    def fail() -> str:
        raise ToolError("It <failed>.")

    @server.tool
    async def confirm(ctx: Context) -> str:
        answer = await ctx.elicit("Are you <sure>?", Sure)
        return f"{answer.action} {answer.data.why if answer.action == 'accept' else ''}"

    @server.resource("polls://{number}")
    def poll(number: int) -> dict[str, int]:
        return {"number": number}

    @server.resource("polls://latest")
    def latest() -> bytes:
        return b"bytes"

    @server.prompt
    def summarise(tone: str) -> str:
        return f"Be {tone}."


def text_of(response: Any) -> str:
    page = b"".join(response.streaming_content) if response.streaming else response.content
    assert_valid(page.decode())
    return str(page.decode())


def run(client: Client, key: str, kind: str = "tool", **data: str) -> str:
    response = client.post(URL, {"component": token(key, kind), "mode": "form", "run": "1", **data})
    assert response.status_code == 200
    return text_of(response)


def test_the_form_has_a_field_for_each_argument(sign_in: SignIn) -> None:
    page = text_of(sign_in(RUN).get(f"{URL}?component={token('rows')}"))
    assert 'name="/count"' in page
    assert "integer, 1 to 5, default 2" in page
    assert "Run as" not in page
    assert "Not run yet." in page


def test_a_run_shows_a_table_the_time_and_the_request_of_a_client(sign_in: SignIn) -> None:
    page = run(sign_in(RUN), "rows", **{"/count": "1"})
    assert "<td>&lt;i&gt;0&lt;/i&gt;</td><td>0</td>" in page
    assert re.search(r"\d+ ms", page)
    assert "&quot;method&quot;: &quot;tools/call&quot;" in page
    assert "curl -sS http://testserver/mcp/fixture" in page
    assert 'value="1"' in page


@pytest.mark.parametrize("typed", ["9", "many"])
def test_what_does_not_fit_is_refused_by_the_engine(sign_in: SignIn, typed: str) -> None:
    page = run(sign_in(RUN), "rows", **{"/count": typed})
    assert "tool error" in page
    assert "count: " in page


def test_progress_and_log_are_shown_and_escaped(sign_in: SignIn) -> None:
    page = run(sign_in(RUN), "slow")
    assert '<progress value="1" max="4"></progress> <span>1 / 4 &lt;counting&gt;</span>' in page
    assert "a &lt;hint&gt;" in page
    assert page.index("counting") < page.index("a &lt;hint&gt;") < page.index("done")


def test_a_picture_is_shown_and_one_that_could_run_is_not(sign_in: SignIn) -> None:
    client = sign_in(RUN)
    assert '<img src="data:image/png;base64,' in run(client, "picture")
    page = run(client, "drawing")
    assert "<img" not in page
    assert 'href="data:application/octet-stream;base64,' in page


def test_a_failure_is_told_in_the_tool_s_words(sign_in: SignIn) -> None:
    page = run(sign_in(RUN), "fail")
    assert "It &lt;failed&gt;." in page


def test_a_run_has_the_permissions_of_who_runs_it(sign_in: SignIn) -> None:
    client = sign_in(RUN)
    assert "I am staff-run_component" in run(client, "whoami")
    assert "Unknown tool: secret" in run(client, "secret")
    User.objects.get().user_permissions.add(Permission.objects.get(codename="add_user"))
    assert "told" in run(client, "secret")


def test_what_is_switched_off_can_not_be_run(
    sign_in: SignIn, server: MCPServer, django_capture_on_commit_callbacks: Any
) -> None:
    client = sign_in(RUN)
    with django_capture_on_commit_callbacks(execute=True):
        server.disable("tool", "whoami")
    assert "Unknown tool: whoami" in run(client, "whoami")


def test_a_run_as_another_user_takes_a_permission_of_its_own(sign_in: SignIn) -> None:
    User.objects.create(username="ada")
    response = sign_in(RUN).post(URL, {"component": token("whoami"), "run": "1", "as": "ada"})
    assert response.status_code == 403
    assert not LogEntry.objects.exists()


def test_a_run_as_another_user_has_their_permissions_and_is_in_the_log(sign_in: SignIn) -> None:
    User.objects.create(username="ada")
    assert "I am ada" in run(sign_in(RUN, RUN_AS), "whoami", **{"as": "ada"})
    (entry,) = LogEntry.objects.all()
    assert (entry.object_repr, entry.change_message) == ("tool whoami (fixture)", "Run in the console as ada.")


def test_nobody_becomes_a_superuser_or_somebody_inactive(sign_in: SignIn) -> None:
    User.objects.create(username="boss", is_superuser=True)
    User.objects.create(username="gone", is_active=False)
    client = sign_in(RUN, RUN_AS)
    assert "Only a superuser runs something as a superuser." in run(client, "whoami", **{"as": "boss"})
    for name in ("gone", "nobody"):
        assert "There is no active user of this name." in run(client, "whoami", **{"as": name})
    assert not LogEntry.objects.exists()


def test_a_tool_that_asks_is_answered_by_a_form(sign_in: SignIn) -> None:
    client = sign_in(RUN)
    page = run(client, "confirm")
    assert "Are you &lt;sure&gt;?" in page
    assert "asks you" in page
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    data = {name: html.unescape(hidden[name]) for name in ("asked", "requestState", "arguments")}
    data |= {"mode": "json", "answer0/sure": "true", "answer0/why": "because", "action0": "accept"}
    assert "accept because" in run(client, "confirm", **data)
    assert "decline" in run(client, "confirm", **{**data, "action0": "decline"})
    assert "Invalid or expired requestState" in run(client, "confirm", **{**data, "requestState": "forged"})


def test_resources_and_prompts_are_run_as_well(sign_in: SignIn) -> None:
    client = sign_in(RUN)
    page = run(client, "polls://{number}", "resource", **{"/number": "7"})
    assert "polls://7" in page
    assert "&quot;number&quot;: 7" in page
    assert "data:application/octet-stream;base64,Ynl0ZXM=" in run(client, "polls://latest", "resource")
    assert "Be dry." in run(client, "summarise", "prompt", **{"/tone": "dry"})


def test_a_template_s_parameters_are_all_needed(sign_in: SignIn) -> None:
    assert "refused -32602" in run(sign_in(RUN), "polls://{number}", "resource", **{"/number": ""})


def test_arguments_are_edited_as_json_and_back(sign_in: SignIn) -> None:
    client = sign_in(RUN)
    data = {"component": token("rows"), "mode": "form", "show": "json", "/count": "4"}
    page = text_of(client.post(URL, data))
    assert "&quot;count&quot;: 4" in page
    data = {"component": token("rows"), "mode": "json", "arguments": '{"count": 3}'}
    assert 'value="3"' in text_of(client.post(URL, {**data, "show": "form"}))
    assert "<td>&lt;i&gt;2&lt;/i&gt;</td>" in text_of(client.post(URL, {**data, "run": "1"}))


@pytest.mark.parametrize(
    ("typed", "told"), [("{", "The arguments are no JSON"), ("[1]", "must be a JSON object"), ("[" * 9999, "no JSON")]
)
def test_json_that_is_none_is_told_and_kept(sign_in: SignIn, typed: str, told: str) -> None:
    page = run(sign_in(RUN), "rows", mode="json", arguments=typed)
    assert told in page
    assert typed in page
    assert not LogEntry.objects.exists()


def test_what_is_not_there_can_not_be_run(sign_in: SignIn) -> None:
    assert "Choose a component." in run(sign_in(RUN), "gone")


def test_get_runs_nothing_and_neither_does_a_page_of_another_site(sign_in: SignIn) -> None:
    sign_in(RUN).get(URL, {"component": token("whoami"), "run": "1"})
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get())
    assert client.post(URL, {"component": token("whoami"), "run": "1"}).status_code == 403
    assert not LogEntry.objects.exists()


def test_a_long_text_is_cut(sign_in: SignIn, server: MCPServer) -> None:
    server.engine = None
    server.add_tool(lambda: "x" * 300_000, "long")
    assert "x" * 100_000 + " …" in run(sign_in(RUN), "long")


@pytest.mark.anyio
@pytest.mark.django_db(transaction=True)
async def test_under_asgi_what_is_said_comes_as_it_is_said(server: MCPServer) -> None:
    boss = await User.objects.acreate(username="boss", is_staff=True, is_superuser=True)
    client = AsyncClient()
    await client.aforce_login(boss)
    response: Any = await client.post(URL, {"component": token("slow"), "run": "1"})
    pieces = [piece.decode() async for piece in response.streaming_content]
    said = [number for number, piece in enumerate(pieces) if "&lt;counting&gt;" in piece or "done" in piece]
    assert len(set(said)) == 2
    assert json.dumps("slow")[1:-1] in pieces[0]
    assert pieces[-1].rstrip().endswith("</html>")
