"""WSGI inside an open transaction, as of a middleware: each request has a loop of its own, which ends with it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.utils import quote
from django.db import transaction
from django.test import Client

from mcp_django import MCPServer
from mcp_django.activity import flush, get_recorder
from mcp_django.models import Call, ComponentSwitch
from tests.views import in_the_urlconf, send
from tests.wire import modern_request

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(server: MCPServer, monkeypatch: pytest.MonkeyPatch) -> MCPServer:
    @server.tool
    def search() -> str:
        return "found"

    monkeypatch.setattr(MCPServer, "unread", True)
    return server


def answer_of(client: Client) -> str:
    message, headers = modern_request("tools/call", {"name": "search", "arguments": {}})
    with in_the_urlconf(), transaction.atomic():
        return str(send(client, message, headers).content)


def switch_off_elsewhere() -> None:
    """As another worker does, of which this one hears nothing."""
    ComponentSwitch.objects.create(server="fixture", kind="tool", key="search")


def test_what_was_switched_off_elsewhere_is_off_at_the_next_request(server: MCPServer, client: Client) -> None:
    assert "found" in answer_of(client)
    switch_off_elsewhere()
    assert "Unknown tool: search" in answer_of(client)


def test_a_run_of_the_console_leaves_nothing_behind_that_nobody_reads_again(
    no_demo: None, server: MCPServer, admin_client: Client
) -> None:
    with transaction.atomic():
        data = {"component": quote("fixture|tool|search"), "run": "1"}
        response: Any = admin_client.post("/admin/mcp_django/dashboard/console/", data)
        assert b"found" in b"".join(response.streaming_content)
    switch_off_elsewhere()
    assert "Unknown tool: search" in answer_of(client=admin_client)


def test_who_looks_at_the_components_does_not_keep_the_endpoint_from_looking(
    no_demo: None, server: MCPServer, admin_client: Client
) -> None:
    admin_client.get("/admin/mcp_django/dashboard/components/")
    switch_off_elsewhere()
    assert "Unknown tool: search" in answer_of(admin_client)


@pytest.mark.parametrize(("mode", "kept"), [("buffered", 1), ("strict", 0)])
def test_what_is_recorded_of_a_call_whose_transaction_is_rolled_back(
    server: MCPServer, client: Client, limited: Any, mode: str, kept: int
) -> None:
    """A strict row is part of the transaction, as the call is: docs/architecture.md says so."""
    limited(ACTIVITY=mode)
    message, headers = modern_request("tools/call", {"name": "search", "arguments": {}})
    with in_the_urlconf(), transaction.atomic():
        assert b"found" in send(client, message, headers).content
        transaction.set_rollback(True)
    flush()
    get_recorder.cache_clear()
    assert Call.objects.count() == kept
