"""What clients, users and authors are called, on every page: it stays text, and the pages keep to a strict policy."""

from __future__ import annotations

from typing import Any

import html5lib
import pytest
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import Application

from mcp_django import MCPServer, ToolError
from mcp_django.models import Call, ComponentSwitch, Session, Stream, Worker
from tests.auth.tokens import make_user
from tests.dashboard.agents import Agents
from tests.dashboard.html import NAMESPACE, assert_strict, assert_valid

pytestmark = pytest.mark.django_db

RLO = "\u202e"
"""Turns the direction of what follows: of the rest of a page, unless it is held in."""

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;{{7*7}}"
TURNED = f"{EVIL}{RLO}\0\n"
"""What clients say of themselves. User names are checked by Django, and names of OAuth clients when they register."""

SHORT = '<b onclick="x">\'&lt;'

DASHBOARD = "/admin/mcp_django/dashboard/"


@pytest.fixture
def server(no_demo: None) -> MCPServer:
    server = MCPServer("fixture", title=EVIL, description=EVIL)

    @server.tool(title=EVIL, description=EVIL, scopes=["mcp"])
    def evil(text: str = EVIL) -> str:
        raise ToolError(EVIL)

    return server


@pytest.fixture
def user() -> User:
    return make_user(EVIL, first_name=SHORT[:30], is_staff=True, is_superuser=True)


@pytest.fixture(autouse=True)
def _traffic(agents: Agents, user: User) -> None:
    now = timezone.now()
    agents.call("evil", user=user, client=EVIL, name=TURNED, version=TURNED)
    Application.objects.update(name=EVIL, user=user)
    agents.written()
    Call.objects.update(error=SHORT, request_id=SHORT, arguments=EVIL)
    Session.objects.create(id="s-1", server="fixture", user=user, client_id=EVIL, seen=now)
    Session.objects.update(client_info={"name": f"{EVIL}{RLO}", "version": EVIL}, protocol_version=SHORT)
    worker = Worker.objects.create(id="w", host=EVIL, pid=1, started=now, seen=now, streams=1, dropped=1)
    Stream.objects.create(
        id="x", worker=worker, server="fixture", session="s-1", user=user, client_id=EVIL[:255], hears=EVIL, opened=now
    )
    ComponentSwitch.objects.create(server="fixture", kind="tool", key="gone", switched_by=user)


TOKEN = quote("fixture|tool|evil")
PAGES = [
    f"{DASHBOARD}?server=fixture",
    f"{DASHBOARD}?server=fixture&span=week",
    f"{DASHBOARD}components/",
    f"{DASHBOARD}components/of/{quote(TOKEN)}/",
    f"{DASHBOARD}console/",
    f"{DASHBOARD}console/?component={TOKEN}",
    f"{DASHBOARD}sign-in/",
    f"{DASHBOARD}routes/",
    f"{DASHBOARD}health/",
    f"{DASHBOARD}connect/",
    "/admin/mcp_django/call/",
    "/admin/mcp_django/session/",
    "/admin/mcp_django/session/s-1/change/",
    "/admin/mcp_django/session/s-1/delete/",
    "/admin/mcp_django/stream/",
    "/admin/mcp_django/apikey/",
    "/admin/mcp_django/",
    "/admin/",
]
NAMED = {
    f"{DASHBOARD}?server=fixture",
    f"{DASHBOARD}components/of/{quote(TOKEN)}/",
    f"{DASHBOARD}sign-in/",
    "/admin/mcp_django/call/",
    "/admin/mcp_django/session/",
}
"""Pages on which the name must be found, as it is, in the text."""


def text_of(page: str) -> str:
    return "".join(html5lib.parse(page, namespaceHTMLElements=False).itertext())


def check(page: str) -> None:
    """Check that what was planted is text, and no more."""
    assert_valid(page)
    assert_strict(page)
    tree = html5lib.parse(page)
    for element in tree.iter():
        tag = str(element.tag).removeprefix(NAMESPACE)
        assert tag != "b" or element.get("onclick") is None
        assert not (tag == "img" and element.get("src") == "x")
    assert "49" not in text_of(page).replace("{{7*7}}", "").partition("alert(2)")[2][:20]


@pytest.fixture
def boss(user: User, client: Client) -> Client:
    client.force_login(user)
    return client


@pytest.mark.parametrize("url", PAGES)
def test_names_stay_text_on_every_page(boss: Client, url: str) -> None:
    response = boss.get(url)
    assert response.status_code == 200, response
    page = response.content.decode()
    check(page)
    if url in NAMED:
        assert EVIL in text_of(page)


@pytest.mark.parametrize("url", [url for url in PAGES if url != "/admin/mcp_django/session/s-1/change/"])
def test_no_name_turns_the_direction_of_a_page(boss: Client, url: str) -> None:
    assert RLO not in boss.get(url).content.decode()


def test_a_single_call_is_text(boss: Client) -> None:
    page = boss.get(f"/admin/mcp_django/call/{Call.objects.get().pk}/change/").content.decode()
    check(page)
    assert EVIL in text_of(page)


def test_the_pages_that_ask_whether_one_is_sure_show_text(boss: Client, user: User) -> None:
    asked = [
        ("components/switch/", {"component": TOKEN, "to": "off"}),
        ("sign-in/disconnect/", {"user": user.pk, "application": Application.objects.get().pk}),
    ]
    for route, data in asked:
        response = boss.post(f"{DASHBOARD}{route}", data)
        assert response.status_code == 200
        check(response.content.decode())
        done = boss.post(f"{DASHBOARD}{route}", {**data, "confirmed": "1"}, follow=True)
        assert done.redirect_chain
        check(done.content.decode())


@pytest.mark.parametrize("mode", ["form", "json"])
def test_a_run_in_the_console_shows_text(boss: Client, mode: str) -> None:
    data = {"component": TOKEN, "run": "1", "mode": mode, "/text": EVIL, "arguments": "{}", "as": ""}
    response = boss.post(f"{DASHBOARD}console/", data)
    page = b"".join(response.streaming_content).decode()
    check(page)
    assert EVIL in text_of(page)


@pytest.mark.parametrize(
    ("route", "data"),
    [
        ("", {"server": EVIL, "span": EVIL}),
        ("components/", {"q": EVIL, "kind": EVIL, "server": EVIL}),
        ("console/", {"component": EVIL}),
        ("sign-in/", {"q": EVIL}),
    ],
)
def test_what_an_address_says_stays_text(boss: Client, route: str, data: dict[str, str]) -> None:
    check(boss.get(f"{DASHBOARD}{route}", data).content.decode())


@pytest.mark.parametrize("name", ["nobody of this name", EVIL, "\0", "x" * 5000])
def test_what_is_typed_in_the_console_stays_text(boss: Client, name: str) -> None:
    data = {"component": TOKEN, "run": "1", "mode": "json", "arguments": EVIL, "as": name}
    response: Any = boss.post(f"{DASHBOARD}console/", data)
    assert response.status_code == 200
    check(b"".join(response).decode())


def test_an_address_that_names_nothing_is_not_there(boss: Client) -> None:
    assert boss.get(f"{DASHBOARD}components/of/{quote(quote(EVIL))}/").status_code == 404
