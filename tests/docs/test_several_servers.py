"""docs/how-to/several-servers.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mcp_django.asgi import get_mcp_application
from tests.docs.conftest import Ask, Load
from tests.wire import post, request

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]


async def test_each_server_has_its_own_components(ask: Ask, load: Load, question: Any) -> None:
    example = load("docs.examples.several_servers")
    async with ask(example.reports) as client:
        totals = await client.call_tool("totals", {})
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert client.server_info.name == "reports"
    assert totals.structured_content == {"questions": 1, "choices": 2, "votes": 3}
    assert names == {"totals", "ping"}
    async with ask() as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["ping"]


async def test_each_server_has_its_own_endpoint(load: Load, routed: Callable[[], None]) -> None:
    load("docs.examples.several_servers")
    routed()
    application = get_mcp_application()
    for path in ("/mcp", "/mcp/", "/mcp/reports", "/mcp/reports/"):
        answer = await post(application, request("tools/call", {"name": "ping"}), path=path)
        assert answer.json["result"]["structuredContent"] == {"result": "The polls are up."}
