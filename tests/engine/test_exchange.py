from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import pytest
from mcp_types import LoggingLevel
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from mcp_django import MCPServer
from mcp_django.auth import ANONYMOUS
from mcp_django.engine.exchange import LOG_LEVELS, MODERN, Exchange, NoWay
from mcp_django.engine.server import get_engine
from mcp_django.sessions.connection import Connection

pytestmark = pytest.mark.anyio

LEVEL_KEY = "io.modelcontextprotocol/logLevel"


class Heard:
    """A channel that keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, dict[str, Any]]] = []

    async def notify(self, method: str, params: dict[str, Any]) -> None:
        self.notes.append((method, params))

    async def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        return {"result": method}


def make(server: MCPServer, *, version: str = MODERN, meta: Any = None, **options: Any) -> Exchange:
    params = {} if meta is None else {"_meta": meta}
    engine = get_engine(server)
    return Exchange(
        engine=engine, method="ping", params=params, request_id=1, version=version, transport="stdio", **options
    )


def test_the_names_and_numbers_are_the_specification_s() -> None:
    assert MODERN_PROTOCOL_VERSIONS[-1] == MODERN
    assert get_args(LoggingLevel) == LOG_LEVELS


def test_an_exchange_knows_its_era(server: MCPServer) -> None:
    assert make(server).modern
    assert not any(make(server, version=version).modern for version in HANDSHAKE_PROTOCOL_VERSIONS)


def test_nothing_is_assumed_of_a_client(server: MCPServer) -> None:
    exchange = make(server)
    assert exchange.principal is ANONYMOUS
    assert (exchange.channel, exchange.connection, exchange.headers, exchange.scope) == (None, None, None, None)
    assert (exchange.client_info, exchange.client_capabilities) == (None, None)
    assert not exchange.cancelled


@pytest.mark.parametrize("params", [None, {}, {"_meta": None}, {"_meta": []}, {"_meta": "text"}])
def test_a_request_without_a_meta_object_has_an_empty_one(server: MCPServer, params: Any) -> None:
    exchange = make(server)
    exchange.params = params
    assert exchange.meta == {}
    assert exchange.progress_token is None
    assert exchange.log_level is None


@pytest.mark.parametrize("token", [1, 0, "1", "", 1753712345678])
def test_a_progress_token_keeps_its_type(server: MCPServer, token: int | str) -> None:
    found = make(server, meta={"progressToken": token}).progress_token
    assert (found, type(found)) == (token, type(token))


@pytest.mark.parametrize("token", [None, True, 1.5, [], {}])
def test_what_is_no_progress_token_asks_for_no_progress(server: MCPServer, token: Any) -> None:
    assert make(server, meta={"progressToken": token}).progress_token is None


def test_a_handshake_client_gets_info_until_it_says_otherwise(server: MCPServer) -> None:
    connection = Connection("2025-11-25")
    assert make(server, version="2025-11-25").log_level == "info"
    assert make(server, version="2025-11-25", connection=connection).log_level == "info"
    connection.log_level = "error"
    assert make(server, version="2025-11-25", connection=connection).log_level == "error"
    assert make(server, version="2025-11-25", meta={LEVEL_KEY: "debug"}).log_level == "info"


@pytest.mark.parametrize(
    ("meta", "level"),
    [({}, None), ({LEVEL_KEY: "debug"}, "debug"), ({LEVEL_KEY: "loud"}, None), ({LEVEL_KEY: {}}, None)],
)
def test_a_request_of_2026_07_28_says_itself_what_it_hears(
    server: MCPServer, meta: dict[str, Any], level: str | None
) -> None:
    assert make(server, meta=meta).log_level == level
    assert make(server, meta=meta, connection=Connection(MODERN)).log_level == level


async def test_a_notification_takes_the_way_back(server: MCPServer) -> None:
    heard = Heard()
    await make(server, channel=heard).notify("notifications/progress", {"progress": 1})
    assert heard.notes == [("notifications/progress", {"progress": 1})]


@pytest.mark.parametrize("connection", [None, Connection("2025-11-25")])
async def test_only_a_client_that_is_remembered_can_be_asked(server: MCPServer, connection: Connection | None) -> None:
    heard = Heard()
    with pytest.raises(NoWay):
        await make(server, version="2025-11-25", connection=connection).ask("roots/list", {})
    exchange = make(server, version="2025-11-25", connection=connection, channel=heard)
    if connection is None:
        with pytest.raises(NoWay):
            await exchange.ask("roots/list", {})
    else:
        assert await exchange.ask("roots/list", {}) == {"result": "roots/list"}


async def test_a_notification_without_a_way_back_goes_nowhere(server: MCPServer) -> None:
    await make(server).notify("notifications/progress", {"progress": 1})


@pytest.mark.parametrize("end", [Exchange.cancel, Exchange.close])
async def test_nobody_hears_of_a_request_that_is_over_nor_of_what_it_reads(
    server: MCPServer, end: Callable[[Exchange], None]
) -> None:
    heard = Heard()
    known: Any = {"version": "2025-11-25", "channel": heard, "connection": Connection("2025-11-25")}
    outer = make(server, **known)
    inner = make(server, **known, parent=outer)
    end(outer)
    for each in (outer, inner):
        await each.notify("notifications/progress", {"progress": 1})
        with pytest.raises(NoWay):
            await each.ask("roots/list", {})
    assert heard.notes == []


def test_the_questions_of_a_request_and_of_what_it_reads_are_numbered_together(server: MCPServer) -> None:
    outer = make(server)
    assert [each.next_question() for each in (outer, make(server, parent=outer), outer)] == [1, 2, 3]


def test_what_a_cancelled_request_reads_is_cancelled_too_and_not_the_other_way_round(server: MCPServer) -> None:
    outer = make(server)
    first, second = make(server, parent=outer), make(server, parent=outer)
    first.cancel()
    assert [each.cancelled for each in (outer, first, second)] == [False, True, False]
    outer.cancel()
    assert [each.cancelled for each in (outer, first, second)] == [True, True, True]


def test_a_stream_that_stays_open_can_let_go_of_what_was_asked(server: MCPServer) -> None:
    exchange = make(server, meta={LEVEL_KEY: "debug"}, headers={"host": "localhost"})
    exchange.let_go()
    assert (exchange.params, exchange.headers, exchange.log_level) == (None, {}, None)
    make(server, headers=None).let_go()
