"""Telling clients that something changed, from anywhere in Django."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models.signals import post_delete, post_save

from mcp_django import MCPServer, mcp
from mcp_django.exceptions import InvalidDeclaration
from mcp_django.signals import server_changed

pytestmark = pytest.mark.anyio


@pytest.fixture
def heard() -> Iterator[list[tuple[Any, ...]]]:
    """What was told: path of the server, kind, URI, and whether an author announced it."""
    heard: list[tuple[Any, ...]] = []

    def hear(sender: Any, server: str, kind: str, uri: str, announced: bool, **kwargs: Any) -> None:
        heard.append((server, kind, uri, announced))

    server_changed.connect(hear)
    yield heard
    server_changed.disconnect(hear)


@pytest.fixture
def _signals_of_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget afterwards whoever a test lets listen to the changes of a model."""
    for signal in (post_save, post_delete):
        monkeypatch.setattr(signal, "receivers", list(signal.receivers))
        signal.sender_receivers_cache.clear()


async def test_an_author_tells_of_changes_from_sync_and_from_async_code(
    server: MCPServer, heard: list[tuple[Any, ...]]
) -> None:
    server.notify_tools_changed()
    await server.anotify_tools_changed()
    server.notify_prompts_changed()
    await server.anotify_prompts_changed()
    server.notify_resources_changed()
    await server.anotify_resources_changed()
    mcp.notify_resource_updated("polls://5")
    await mcp.anotify_resource_updated("polls://6")
    assert heard == [
        *[("fixture", "tools", "", True)] * 2,
        *[("fixture", "prompts", "", True)] * 2,
        *[("fixture", "resources", "", True)] * 2,
        ("", "resource", "polls://5", True),
        ("", "resource", "polls://6", True),
    ]


def test_what_is_declared_and_withdrawn_is_told_of_by_itself(server: MCPServer, heard: list[tuple[Any, ...]]) -> None:
    server.add_tool(lambda: 1, "vote")
    server.remove_tool("vote")
    server.add_prompt(lambda: 1, "vote")
    server.add_resource("polls://5", lambda: 1, "poll")
    server.custom_route("/health")(lambda request: None)
    server.completion(lambda ref, argument, context: None)
    assert heard == [
        *[("fixture", "tools", "", False)] * 2,
        ("fixture", "prompts", "", False),
        ("fixture", "resources", "", False),
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_signals_of_models")
@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("groups://{name}", "groups://a%20b%2Fc"),
        ("groups://all", "groups://all"),
        (lambda group: f"groups://{group.name[0]}", "groups://a"),
    ],
)
def test_a_model_that_is_saved_or_deleted_is_told_of(
    server: MCPServer, heard: list[tuple[Any, ...]], uri: Any, told: str
) -> None:
    server.notify_on_save(Group, uri)
    group = Group.objects.create(name="a b/c")
    group.save()
    group.delete()
    assert heard == [("fixture", "resource", told, True)] * 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_signals_of_models")
def test_a_function_may_keep_an_instance_to_itself(server: MCPServer, heard: list[tuple[Any, ...]]) -> None:
    server.notify_on_save(Group, lambda group: None)
    Group.objects.create(name="secret")
    assert heard == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_signals_of_models")
def test_a_change_is_told_of_once_it_is_committed_and_never_when_it_is_not(
    server: MCPServer, heard: list[tuple[Any, ...]]
) -> None:
    server.notify_on_save(Group, "groups://{name}")
    with transaction.atomic():
        Group.objects.create(name="kept")
        assert heard == []
    with transaction.atomic():
        Group.objects.create(name="lost")
        transaction.set_rollback(True)
    assert heard == [("fixture", "resource", "groups://kept", True)]


@pytest.mark.parametrize("uri", ["groups://{+name}", "groups://all{?name}", "groups://{a,b}", "groups://{name"])
def test_a_template_beyond_plain_names_is_refused(server: MCPServer, uri: str) -> None:
    with pytest.raises(InvalidDeclaration, match="write a function of the instance"):
        server.notify_on_save(Group, uri)
