"""docs/how-to/permissions.md."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Group
from django.core.cache import cache
from mcp import Client
from mcp.shared.exceptions import MCPError

from mcp_django import MCPServer
from mcp_django.transports.streamable_http import StreamableHTTPConsumer
from tests.auth.tokens import bearing, make_token, make_user
from tests.docs.conftest import Load
from tests.sessions.roads import over_http

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]

SignedIn = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def example(load: Load, settings: Any) -> Any:
    settings.MCP_DJANGO = {**settings.MCP_DJANGO, "AUTH": "optional"}
    cache.clear()
    return load("docs.examples.permissions")


@pytest.fixture
def signed_in(example: Any, default_server: MCPServer) -> SignedIn:
    """Connect as Ada with these scopes, or as nobody: ``async with signed_in("mcp") as client``."""

    @asynccontextmanager
    async def signed_in(scope: str | None = None, server: MCPServer = default_server) -> AsyncIterator[Client]:
        resource = "/".join(part for part in ("http://testserver/mcp", server.path) if part)
        token = scope and await sync_to_async(lambda: make_token(make_user("ada"), scope, resource=[resource]))()
        application = bearing(StreamableHTTPConsumer.as_asgi(server=server), token or None)
        async with over_http(application, mode="2026-07-28") as client:
            yield client

    return signed_in


async def tools(client: Client) -> set[str]:
    return {tool.name for tool in (await client.list_tools()).tools}


async def test_everybody_sees_what_is_theirs(signed_in: SignedIn) -> None:
    async with signed_in() as nobody:
        assert await tools(nobody) == {"questions", "vote"}
        assert not (await nobody.call_tool("questions", {})).is_error
    async with signed_in("mcp polls:write") as ada:
        assert await tools(ada) == {"questions", "vote", "whoami"}
        with pytest.raises(MCPError, match="Unknown tool"):
            await ada.call_tool("delete_choice", {"choice_id": 1})
        said = (await ada.call_tool("whoami", {})).structured_content
        assert said == {"user": "ada", "client": "editor", "scopes": "mcp polls:write"}


async def test_a_vote_takes_its_scope(signed_in: SignedIn, question: Any) -> None:
    choice = await question.choices.afirst()
    async with signed_in("polls:vote") as ada:
        assert not (await ada.call_tool("vote", {"choice_id": choice.pk})).is_error
    async with signed_in("mcp") as ada:
        with pytest.raises(MCPError, match="lacks a scope: polls:vote"):
            await ada.call_tool("vote", {"choice_id": choice.pk})


async def test_the_turnout_is_for_office_hours_and_staff(signed_in: SignedIn, question: Any) -> None:
    await sync_to_async(make_user)("ada", is_staff=True)
    async with signed_in("mcp") as ada:
        contents = (await ada.read_resource("polls://turnout")).contents
        assert contents[0].text == "3"  # type: ignore[union-attr]


async def test_reports_are_for_editors(signed_in: SignedIn, example: Any) -> None:
    async with signed_in("reports", example.reports) as ada:
        assert await tools(ada) == {"about"}
    await sync_to_async(lambda: make_user("ada").groups.add(Group.objects.create(name="editors")))()
    async with signed_in("reports", example.reports) as ada:
        assert await tools(ada) == {"about", "summary"}
