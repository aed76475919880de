"""Lists: their pages, their cursors, and the bytes that are kept of them."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from mcp_django import MCPServer
from mcp_django.engine.exchange import Exchange
from mcp_django.engine.lists import MAX_VIEWS, Listing
from mcp_django.engine.server import Engine, get_engine
from mcp_django.exceptions import ProtocolError
from tests.conftest import Connect
from tests.wire import modern_request, post, request

pytestmark = pytest.mark.anyio

MODERN, OLDER = "2026-07-28", ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")


@pytest.fixture
def pages_of_two() -> Iterator[None]:
    with override_settings(MCP_DJANGO={**settings.MCP_DJANGO, "PAGE_SIZE": 2}):
        yield


def fill(server: MCPServer, count: int) -> list[str]:
    """Declare so many tools, resources, templates and prompts, and return the names of each kind."""
    names = [f"n{number}" for number in range(count)]
    for name in names:
        server.add_tool(lambda: name, name)  # noqa: B023 - never called
        server.add_prompt(lambda: name, name)  # noqa: B023
        server.add_resource(f"static://{name}", lambda: name, name)  # noqa: B023
        server.add_resource(f"template://{name}/{{x}}", lambda x: name, name)  # noqa: B023
    return names


async def walk(client: Any, method: str, member: str) -> list[list[str]]:
    """Follow the cursors of a list and return the names on each of its pages."""
    pages, cursor = [], None
    while True:
        page = await getattr(client, method)(cursor=cursor)
        pages.append([item.name for item in getattr(page, member)])
        cursor = page.next_cursor
        if cursor is None:
            return pages


@pytest.mark.usefixtures("pages_of_two")
async def test_a_client_walks_all_pages_of_every_list(server: MCPServer, connect: Connect, era: str) -> None:
    fill(server, 5)
    expected = [["n0", "n1"], ["n2", "n3"], ["n4"]]
    async with connect(era) as client:
        assert await walk(client, "list_tools", "tools") == expected
        assert await walk(client, "list_prompts", "prompts") == expected
        assert await walk(client, "list_resources", "resources") == expected
        assert await walk(client, "list_resource_templates", "resource_templates") == expected


@pytest.mark.usefixtures("pages_of_two")
@pytest.mark.parametrize(("count", "pages"), [(0, [[]]), (1, [["n0"]]), (2, [["n0", "n1"]])])
async def test_a_list_that_fits_one_page_has_no_cursor(
    server: MCPServer, connect: Connect, count: int, pages: list[list[str]]
) -> None:
    fill(server, count)
    async with connect("auto") as client:
        assert await walk(client, "list_tools", "tools") == pages


async def listed(application: Any, cursor: str | None = None, *, modern: bool = True) -> Any:
    params = {} if cursor is None else {"cursor": cursor}
    if not modern:
        return (await post(application, request("tools/list", params))).json
    message, headers = modern_request("tools/list", params)
    return (await post(application, message, headers=headers)).json


def cursor_of(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize("modern", [True, False])
@pytest.mark.parametrize(
    "cursor",
    ["", "!!!", "é", "x", cursor_of(""), cursor_of("n2"), cursor_of("2:"), cursor_of("x:n2"), cursor_of("-1:n2"),
     cursor_of("99999999:n2"), urlsafe_b64encode(b"\xff:\xff").decode()],
)  # fmt: skip
async def test_a_cursor_that_is_none_of_ours_is_invalid_params(
    server: MCPServer, application: Any, cursor: str, modern: bool
) -> None:
    fill(server, 3)
    error = (await listed(application, cursor, modern=modern))["error"]
    assert error == {"code": -32602, "message": "Invalid cursor: start again without one."}


@pytest.mark.usefixtures("pages_of_two")
async def test_a_cursor_follows_its_item_wherever_it_goes(server: MCPServer, application: Any) -> None:
    fill(server, 5)
    cursor = (await listed(application))["result"]["nextCursor"]
    server.remove_tool("n0")
    server.add_tool(lambda: 1, "last")
    found = (await listed(application, cursor))["result"]["tools"]
    assert [tool["name"] for tool in found] == ["n2", "n3"]


@pytest.mark.usefixtures("pages_of_two")
async def test_the_cursor_of_an_item_that_was_removed_goes_on_where_it_stood(
    server: MCPServer, application: Any
) -> None:
    fill(server, 5)
    cursor = (await listed(application))["result"]["nextCursor"]
    server.remove_tool("n2")
    found = (await listed(application, cursor))["result"]["tools"]
    assert [tool["name"] for tool in found] == ["n3", "n4"]
    for name in ("n1", "n3", "n4"):
        server.remove_tool(name)
    last = (await listed(application, cursor))["result"]
    assert (last["tools"], "nextCursor" in last) == ([], False)


@pytest.mark.usefixtures("pages_of_two")
async def test_a_list_is_refreshed_when_its_components_change(server: MCPServer, application: Any) -> None:
    fill(server, 1)
    assert [tool["name"] for tool in (await listed(application))["result"]["tools"]] == ["n0"]
    server.add_tool(lambda: 1, "late", description="One.")
    assert [tool["name"] for tool in (await listed(application))["result"]["tools"]] == ["n0", "late"]
    server.remove_tool("late")
    server.add_tool(lambda: 1, "late", description="Two.")
    assert (await listed(application))["result"]["tools"][1]["description"] == "Two."


async def test_a_list_says_how_long_it_may_be_kept(server: MCPServer, application: Any) -> None:
    assert (await listed(application))["result"]["ttlMs"] == 0
    with override_settings(MCP_DJANGO={**settings.MCP_DJANGO, "LIST_CACHE_SECONDS": 1.5}):
        found = (await listed(application))["result"]
        legacy = (await listed(application, modern=False))["result"]
    assert (found["ttlMs"], found["cacheScope"], found["resultType"]) == (1500, "private", "complete")
    assert legacy.keys() == {"tools"}


# The bytes that are kept


def exchange_of(engine: Engine, cursor: str | None = None, version: str = MODERN) -> Exchange:
    return Exchange(
        engine=engine,
        method="tools/list",
        params={} if cursor is None else {"cursor": cursor},
        request_id=1,
        version=version,
        transport="streamable-http",
    )


def page(
    engine: Engine, cursor: str | None = None, version: str = MODERN, visible: frozenset[str] | None = None
) -> bytes:
    return engine.listings["tools/list"].page(exchange_of(engine, cursor, version), visible=visible)


@pytest.fixture
def engine(server: MCPServer) -> Engine:
    fill(server, 6)
    return get_engine(server)


def test_a_page_is_made_once_for_each_revision(engine: Engine) -> None:
    first = page(engine)
    assert page(engine) is first
    others = [page(engine, version=version) for version in OLDER]
    assert [page(engine, version=version) is kept for version, kept in zip(OLDER, others, strict=True)] == [True] * 4
    assert all(json.loads(other).keys() == {"tools"} for other in others)


@pytest.mark.usefixtures("pages_of_two")
def test_a_caller_walks_the_pages_of_what_it_sees(engine: Engine) -> None:
    visible = frozenset({"n0", "n3", "n4", "n5", "unheard-of"})
    first = json.loads(page(engine, visible=visible))
    second = json.loads(page(engine, first["nextCursor"], visible=visible))
    assert [tool["name"] for tool in first["tools"]] == ["n0", "n3"]
    assert [tool["name"] for tool in second["tools"]] == ["n4", "n5"]
    assert "nextCursor" not in second
    assert page(engine, visible=visible) is not page(engine)
    assert json.loads(page(engine, visible=frozenset()))["tools"] == []


@pytest.mark.usefixtures("pages_of_two")
def test_a_cursor_names_no_item_that_the_caller_does_not_see(engine: Engine) -> None:
    visible = frozenset({"n0", "n1", "n5"})
    cursor = json.loads(page(engine, visible=visible))["nextCursor"]
    assert [tool["name"] for tool in json.loads(page(engine, cursor, visible=visible))["tools"]] == ["n5"]


def kept(listing: Listing) -> int:
    return sum(map(len, listing._pages.values()))


@pytest.mark.usefixtures("pages_of_two")
def test_cursors_that_a_client_makes_up_fill_no_memory(engine: Engine) -> None:
    for number in range(500):
        page(engine, cursor_of(f"{number}:made-up"))
    assert kept(engine.listings["tools/list"]) <= 4


@pytest.mark.usefixtures("pages_of_two")
def test_callers_who_all_see_something_else_fill_no_memory(engine: Engine) -> None:
    for number in range(MAX_VIEWS * 3):
        page(engine, visible=frozenset({f"n{number}"}))
    assert len(engine.listings["tools/list"]._pages) <= MAX_VIEWS
    assert page(engine, visible=frozenset({"n0"})) == page(engine, visible=frozenset({"n0"}))


def test_a_cursor_is_refused_without_an_application_too(engine: Engine) -> None:
    with pytest.raises(ProtocolError) as refused:
        page(engine, "x")
    assert refused.value.code == -32602
