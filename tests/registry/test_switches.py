"""Switching components off and on: rows, and who is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from mcp_django import MCPServer
from mcp_django.exceptions import NotRegistered
from mcp_django.models import ComponentSwitch
from mcp_django.signals import components_changed, server_changed

pytestmark = pytest.mark.django_db


@pytest.fixture
def told() -> Iterator[list[str]]:
    """What the other workers, and then clients, are told."""
    told: list[str] = []

    def workers(*, server: str, compile: bool, **kwargs: Any) -> None:
        told.append(f"{server} {'compile' if compile else 'read'}")

    def clients(*, server: str, kind: str, **kwargs: Any) -> None:
        told.append(f"{server} {kind}")

    components_changed.connect(workers)
    server_changed.connect(clients)
    yield told
    components_changed.disconnect(workers)
    server_changed.disconnect(clients)


@pytest.fixture
def server(server: MCPServer) -> MCPServer:
    @server.tool
    def vote() -> str:
        return "voted"

    server.add_resource("polls://latest", vote)
    server.add_prompt(vote)
    server.completion(prompt="vote", argument="x")(vote)
    return server


@pytest.mark.parametrize(
    ("kind", "key", "announced"),
    [
        ("tool", "vote", ["fixture tools"]),
        ("resource", "polls://latest", ["fixture resources"]),
        ("prompt", "vote", ["fixture prompts"]),
        ("completion", "prompt vote argument x", []),
    ],
)
def test_workers_are_told_before_clients_and_after_the_commit(
    server: MCPServer,
    told: list[str],
    kind: Any,
    key: str,
    announced: list[str],
    django_capture_on_commit_callbacks: Any,
) -> None:
    told.clear()
    for switch in (server.disable, server.enable):
        with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
            switch(kind, key)
            assert told == []
        assert told == ["fixture read", *announced]
        told.clear()


def test_a_switch_outlives_the_process_and_names_who_set_it(
    server: MCPServer, django_capture_on_commit_callbacks: Any
) -> None:
    ada = User.objects.create(username="ada")
    with django_capture_on_commit_callbacks(execute=True):
        server.disable("tool", "vote", by=ada)
        server.disable("tool", "vote")  # who was first stays
    assert not server.is_enabled("tool", "vote")
    assert server.is_enabled("prompt", "vote")
    (row,) = ComponentSwitch.objects.all()
    assert (row.server, str(row), row.switched_by) == ("fixture", "tool vote", ada)
    with django_capture_on_commit_callbacks(execute=True):
        server.enable("tool", "vote")
    assert server.is_enabled("tool", "vote")
    assert not ComponentSwitch.objects.exists()


def test_another_server_s_component_of_the_same_name_stays_on(
    server: MCPServer, django_capture_on_commit_callbacks: Any
) -> None:
    other = MCPServer("other")
    other.add_tool(lambda: "", "vote")
    with django_capture_on_commit_callbacks(execute=True):
        server.disable("tool", "vote")
    other.read_switches()
    assert other.is_enabled("tool", "vote")


def test_what_is_not_declared_can_not_be_switched(server: MCPServer) -> None:
    for switch in (server.disable, server.enable):
        with pytest.raises(NotRegistered, match=r"No tool 'gone' is registered on <MCPServer 'fixture' at 'fixture'>"):
            switch("tool", "gone")


def test_the_switch_of_what_is_declared_no_more_can_be_taken_away(server: MCPServer) -> None:
    ComponentSwitch.objects.create(server="fixture", kind="tool", key="gone")
    server.enable("tool", "gone")
    assert not ComponentSwitch.objects.exists()


def test_rows_that_may_be_older_than_a_change_are_not_taken(server: MCPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    ComponentSwitch.objects.create(server="fixture", kind="tool", key="vote")
    execute = connection.execute_wrapper

    def meanwhile(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = run(sql, params, many, context)
        server.mark_unread()
        return result

    with execute(meanwhile):
        server.read_switches(timed=True)
    assert server.unread
    assert server.is_enabled("tool", "vote")
    server.read_switches()
    assert server.unread  # nobody would let them be read again
    server.read_switches(timed=True)
    assert not server.unread
    assert not server.is_enabled("tool", "vote")


def test_reading_the_same_again_makes_no_new_revision(server: MCPServer) -> None:
    before = server.revision
    server.read_switches()
    assert server.revision == before


def test_reload_compiles_anew_and_tells_everybody(server: MCPServer, told: list[str]) -> None:
    told.clear()
    generation = server.generation
    ComponentSwitch.objects.create(server="fixture", kind="tool", key="vote")
    server.reload()
    assert server.generation == generation + 1
    assert not server.is_enabled("tool", "vote")
    assert told == ["fixture compile", "fixture tools", "fixture resources", "fixture prompts"]


def test_a_route_is_switched_off_by_its_methods_and_path(server: MCPServer) -> None:
    server.custom_route("/health", methods=["POST", "GET"])(lambda request: None)
    with pytest.raises(NotRegistered, match="No route '/health'"):
        server.disable("route", "/health")
    server.disable("route", "GET,POST /health")
    assert ComponentSwitch.objects.get().key == "GET,POST /health"
