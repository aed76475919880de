"""The view answers the whole corpus with the same bytes as the consumer, save for what WSGI and one body can't do."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from mcp_django import MCPServer
from mcp_django.registry import server as registered
from mcp_django.transports.streamable_http import StreamableHTTPConsumer
from tests.differential.components import make_ours
from tests.differential.corpus import CASES, Case
from tests.differential.sides import ABSENT, SECONDS, Posted
from tests.views import in_the_urlconf, post_to_view
from tests.wire import JSON_HEADERS, Call, Response

pytestmark = pytest.mark.anyio

GROUPS: dict[str, list[Case]] = defaultdict(list)
for _case in CASES:
    GROUPS[_case.group].append(_case)

STREAMS = {"server/discover", "subscriptions/listen"}
"""The methods of which one offers streams and the other opens one."""


@pytest.fixture(scope="module")
def ours() -> Iterator[MCPServer]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registered, "_servers", {})
        server = make_ours()
        with in_the_urlconf(), override_settings(MCP_DJANGO={**settings.MCP_DJANGO, "SESSIONS": False}):
            yield server


def is_comparable(case: Case) -> bool:
    """Whether WSGI can tell what was posted, and both could answer it alike."""
    names = Counter(name.lower() for name, _ in case.posted.headers)
    message = case.posted.message
    method = message.get("method") if isinstance(message, dict) else None
    framed = "content-length" not in names  # here it is made up; Django reads as much as it says
    return framed and max(names.values(), default=1) == 1 and case.posted.method != "HEAD" and method not in STREAMS


def headers_of(posted: Posted) -> dict[str, str]:
    given = {name.lower(): value for name, value in posted.headers}
    return {name: value for name, value in {**JSON_HEADERS, **given}.items() if value != ABSENT}


async def ask_consumer(application: Any, posted: Posted) -> Response:
    call = Call(application, posted.body, method=posted.method, headers=headers_of(posted))
    response = await call.finished(SECONDS)
    if response.headers.get("content-type") != "text/event-stream":
        return response
    last = next(line for line in reversed(response.body.split(b"\r\n")) if line.startswith(b"data: "))
    body = last.removeprefix(b"data: ")  # what was said before it is dropped
    return Response(200, {"content-type": "application/json", "content-length": str(len(body))}, body)


def ask_view(posted: Posted) -> Response:
    headers: dict[str, str | None] = dict.fromkeys(JSON_HEADERS)
    return post_to_view(posted.body, headers | headers_of(posted), path="/mcp/differential", method=posted.method)


@pytest.mark.parametrize("group", GROUPS)
async def test_the_view_answers_as_the_consumer_does(ours: MCPServer, group: str) -> None:
    application: Any = StreamableHTTPConsumer.as_asgi(server=ours)
    for case in filter(is_comparable, GROUPS[group]):
        expected = await ask_consumer(application, case.posted)
        assert await asyncio.to_thread(ask_view, case.posted) == expected, case.name


def test_nearly_the_whole_corpus_is_compared() -> None:
    compared = sum(map(is_comparable, CASES))
    assert compared > 0.95 * len(CASES)
