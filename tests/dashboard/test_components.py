"""The pages of components: what they show, and switching."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mcp_django import MCPServer
from mcp_django.models import Call, ComponentSchema, ComponentSwitch
from tests.dashboard.conftest import SignIn
from tests.dashboard.html import assert_strict, assert_valid

pytestmark = pytest.mark.django_db

URL = "/admin/mcp_django/dashboard/components/"
VIEW, CHANGE, RUN = "view_componentswitch", "change_componentswitch", "run_component"


def token(kind: str = "tool", key: str = "vote", server: str = "fixture") -> str:
    return quote(f"{server}|{kind}|{key}")


def entry_of(response: Any, key: str) -> Any:
    (found,) = [each for each in response.context["entries"] if each.facts.key == key]
    return found


@pytest.fixture(autouse=True)
def server(no_demo: None, server: MCPServer) -> MCPServer:
    @server.tool(scopes=["polls:vote"], permissions=["polls.add_vote"], throttle="5/m")
    def vote(choice: int) -> str:
        """Vote <b>now</b>."""
        return "voted"

    server.add_resource("polls://{number}/x", lambda number: "", "poll")
    server.add_prompt(lambda: "", "summarise")
    server.custom_route("/health")(lambda request: None)
    return server


@pytest.fixture
def commit(django_capture_on_commit_callbacks: Any) -> Callable[[Any], Any]:
    def commit(doing: Any) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            return doing()

    return commit


def test_all_components_are_listed_with_where_they_are_declared(sign_in: SignIn) -> None:
    response = sign_in(VIEW).get(URL)
    assert [each.facts.key for each in response.context["entries"]] == [
        "vote",
        "polls://{number}/x",
        "summarise",
        "GET /health",
    ]
    page = response.content.decode()
    for text in ("polls:vote", "polls.add_vote", "5 in 60 s", f"{__name__}:"):
        assert text in page
    assert "Switch off" not in page
    assert "Try" not in page
    assert_valid(page)
    assert_strict(page)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=VOTE", ["vote"]),
        ("kind=prompt", ["summarise"]),
        ("server=fixture&q=poll", ["polls://{number}/x"]),
        ("q=no", []),
    ],
)
def test_components_are_found(sign_in: SignIn, query: str, found: list[str]) -> None:
    response = sign_in(VIEW).get(f"{URL}?{query}")
    assert [each.facts.key for each in response.context["entries"]] == found


def test_calls_and_errors_of_the_last_days_are_counted(sign_in: SignIn) -> None:
    now = timezone.now()
    for outcome, days in (("ok", 1), ("tool_error", 2), ("failed", 3), ("ok", 8)):
        Call.objects.create(
            ended=now - timedelta(days=days),
            server="fixture",
            method="tools/call",
            kind="tool",
            component="vote",
            transport="stdio",
            outcome=outcome,
            milliseconds=1,
        )
    entry = entry_of(sign_in(VIEW).get(URL), "vote")
    assert (entry.calls, entry.errors) == (3, 2)


def test_the_list_costs_the_same_however_many_components_there_are(sign_in: SignIn, server: MCPServer) -> None:
    client = sign_in(VIEW, CHANGE, RUN)

    def load() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(URL).status_code == 200
        return len(queries)

    client.get(URL)  # notes the schemas
    before = load()
    server.engine = None
    for number in range(20):
        server.add_tool(lambda: "", f"tool{number}")
    client.get(URL)
    assert load() == before


def test_one_component_is_shown_with_its_schema(sign_in: SignIn) -> None:
    response = sign_in(VIEW, CHANGE, RUN).get(f"{URL}of/{token()}/")
    page = response.content.decode()
    assert "Vote &lt;b&gt;now&lt;/b&gt;." in page
    assert "&quot;choice&quot;" in page
    assert_valid(page)
    assert_strict(page)


@pytest.mark.parametrize("kind", ["resource", "prompt", "route"])
def test_every_kind_has_its_page(sign_in: SignIn, kind: str) -> None:
    key = {"resource": "polls://{number}/x", "prompt": "summarise", "route": "GET /health"}[kind]
    page = sign_in(VIEW).get(f"{URL}of/{token(kind, key)}/").content.decode()
    assert_valid(page)
    assert key in page


@pytest.mark.parametrize("codenames", [(), (CHANGE,), (RUN,)])
def test_one_component_is_refused_to_staff_without_the_permission(sign_in: SignIn, codenames: tuple[str, ...]) -> None:
    assert sign_in(*codenames).get(f"{URL}of/{token()}/").status_code == 403


@pytest.mark.parametrize("wrong", [token(key="gone"), "nonsense", token(server="gone"), "_7C_7C"])
def test_what_is_not_there_is_not_found(sign_in: SignIn, wrong: str) -> None:
    assert sign_in(VIEW).get(f"{URL}of/{wrong}/").status_code == 404


def test_switching_asks_first_and_is_in_the_log(
    sign_in: SignIn, server: MCPServer, commit: Callable[[Any], Any]
) -> None:
    client = sign_in(VIEW, CHANGE)
    data = {"component": [token(), token("prompt", "summarise")], "to": "off"}
    asked = client.post(f"{URL}switch/", data)
    assert_valid(asked.content.decode())
    assert "Yes, switch off" in asked.content.decode()
    assert not ComponentSwitch.objects.exists()
    done = commit(lambda: client.post(f"{URL}switch/", {**data, "confirmed": "1"}, follow=True))
    assert [str(each) for each in done.context["messages"]] == ["2 components were switched off."]
    assert not server.is_enabled("tool", "vote")
    row = ComponentSwitch.objects.get(kind="tool")
    assert row.switched_by == User.objects.get()
    page = client.get(f"{URL}of/{token()}/").content.decode()
    assert "Switch on" in page
    assert str(row.switched_by) in page
    commit(lambda: client.post(f"{URL}switch/", {"component": token(), "to": "on", "confirmed": "1"}))
    assert server.is_enabled("tool", "vote")
    assert [(entry.object_repr, entry.change_message) for entry in LogEntry.objects.order_by("pk")] == [
        ("tool vote (fixture)", "Switched off."),
        ("prompt summarise (fixture)", "Switched off."),
        ("tool vote (fixture)", "Switched on."),
    ]


def test_a_route_is_switched_off_like_a_tool_and_listed_as_off(
    sign_in: SignIn, server: MCPServer, commit: Callable[[Any], Any]
) -> None:
    client = sign_in(VIEW, CHANGE, "view_dashboard")
    route = token("route", "GET /health")
    commit(lambda: client.post(f"{URL}switch/", {"component": route, "to": "off", "confirmed": "1"}))
    assert not server.is_enabled("route", "GET /health")
    page = client.get("/admin/mcp_django/dashboard/routes/").content.decode()
    assert_valid(page)
    row = page.partition("<code>GET /health</code>")[2].partition("</tr>")[0]
    assert ">off</span>" in row
    assert "Switch on" in client.get(f"{URL}of/{route}/").content.decode()


def test_switching_nothing_says_so(sign_in: SignIn) -> None:
    client = sign_in(CHANGE)
    assert "Nothing was chosen." in client.post(f"{URL}switch/", {"to": "off", "confirmed": "1"}).content.decode()
    assert "Nothing was chosen." in client.get(f"{URL}switch/").content.decode()


def test_who_may_only_look_switches_and_reloads_nothing(sign_in: SignIn) -> None:
    client = sign_in(VIEW)
    for path in ("switch/", "reload/"):
        data = {"component": token(), "to": "off", "confirmed": "1"}
        assert client.post(f"{URL}{path}", data).status_code == 403
    assert not ComponentSwitch.objects.exists()


def test_a_page_of_another_site_switches_nothing(client: Client, settings: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create(username="boss", is_staff=True, is_superuser=True))
    for path, data in (
        ("switch/", {"component": token(), "to": "off", "confirmed": "1"}),
        ("reload/", {"confirmed": "1"}),
    ):
        assert client.post(f"{URL}{path}", data).status_code == 403
    assert not ComponentSwitch.objects.exists()


def test_reloading_asks_first_and_is_in_the_log(sign_in: SignIn, server: MCPServer) -> None:
    client, before = sign_in(VIEW, CHANGE), server.generation
    assert "Yes, reload" in client.get(f"{URL}reload/").content.decode()
    assert server.generation == before
    client.post(f"{URL}reload/", {"confirmed": "1"}, follow=True)
    assert server.generation > before
    assert LogEntry.objects.filter(object_repr="server fixture", change_message="Reloaded.").exists()


def test_a_changed_schema_is_pointed_out_with_the_difference(sign_in: SignIn, server: MCPServer) -> None:
    client = sign_in(VIEW)
    assert entry_of(client.get(URL), "vote").changed is None
    server.remove_tool("vote")

    @server.tool
    def vote(choice: int, why: str = "") -> str:
        return "voted"

    server.engine = None
    for _ in range(2):
        response = client.get(URL)
        assert entry_of(response, "vote").changed is not None
        assert "schema changed" in response.content.decode()
    assert ComponentSchema.objects.filter(key="vote").count() == 2
    page = client.get(f"{URL}of/{token()}/").content.decode()
    assert_valid(page)
    assert "<ins>+" in page
    assert "&quot;why&quot;" in page
    ComponentSchema.objects.update(first_seen=timezone.now() - timedelta(days=30))
    assert entry_of(client.get(URL), "vote").changed is None
