"""``subscriptions/listen`` of 2026-07-28, and ``resources/subscribe`` of the revisions before it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND

from mcp_django.conf import get_settings
from mcp_django.sessions.hub import get_hub
from mcp_django.sessions.listeners import LIST_KINDS, Listener

if TYPE_CHECKING:
    from mcp_django.engine.exchange import Exchange

SUBSCRIPTION_ID = "io.modelcontextprotocol/subscriptionId"

MAX_SUBSCRIPTIONS = 1000
"""Most resources that one client listens to."""

BREATH_SECONDS = 0.02
"""After what it has sent, a stream waits so long for more: what happens at once is told once."""


class TooManyStreams(MCPError):
    """``MAX_STREAMS`` or ``MAX_STREAMS_PER_USER`` are open."""

    def __init__(self, message: str, http_status: int) -> None:
        super().__init__(INTERNAL_ERROR, message)
        self.http_status = http_status


def claim_stream(listener: Listener, owner: tuple[str, str]) -> None:
    """Open a stream for events.

    Args:
        owner: user and client. Nobody's streams count towards the limit of the process alone.

    Raises:
        TooManyStreams: a limit is reached.
    """
    hub, limits = get_hub(), get_settings()
    replaced = bool(listener.session) and hub.listeners.of_session(listener.session) is not None
    if len(hub.listeners) - replaced >= limits.MAX_STREAMS:
        raise TooManyStreams("Too many streams are open: try again later.", 503)
    if any(owner) and hub.listeners.count_of(owner) - replaced >= limits.MAX_STREAMS_PER_USER:
        raise TooManyStreams("You have too many streams open: close one.", 429)
    listener.owner = owner
    hub.listeners.add(listener)


async def listen(exchange: Exchange) -> dict[str, Any]:
    """Answer ``subscriptions/listen``: the stream is the answer, and ends with a result when we end it.

    Raises:
        MCPError: too many streams are open, or the transport has none.
    """
    if exchange.channel is None:
        raise MCPError(INTERNAL_ERROR, "This endpoint has no streams, so there is nothing to listen to.")
    wanted = (exchange.params or {})["notifications"]
    kinds = [kind for kind in sorted(LIST_KINDS) if wanted.get(f"{kind}ListChanged")]
    uris = list(dict.fromkeys(wanted.get("resourceSubscriptions") or ()))[:MAX_SUBSCRIPTIONS]
    listener = Listener(exchange.engine.declared.path, kinds, uris)
    account = exchange.principal.account
    claim_stream(listener, ("" if account is None else str(account.pk), exchange.principal.client_id or ""))
    meta = {SUBSCRIPTION_ID: exchange.request_id}
    honoured: dict[str, Any] = {f"{kind}ListChanged": True for kind in kinds}
    if uris:
        honoured["resourceSubscriptions"] = uris
    try:
        await get_hub().joined()
        acknowledged = {"notifications": honoured, "_meta": meta}
        await exchange.notify("notifications/subscriptions/acknowledged", acknowledged)
        await forward(listener, exchange.notify, meta, seconds=get_settings().STREAM_SECONDS)
    finally:
        get_hub().listeners.remove(listener)
    return {"_meta": meta}


async def forward(
    listener: Listener, notify: Any, meta: dict[str, Any] | None = None, *, seconds: float | None = None
) -> None:
    """Send a listener's events until it ends, or until ``seconds`` are over."""
    try:
        async with asyncio.timeout(seconds):
            while not listener.ended:
                for event in await listener.take():
                    await notify(event.method, event.params(meta))
                listener.rest(BREATH_SECONDS)
    except TimeoutError:
        return


async def subscribe(exchange: Exchange) -> dict[str, Any]:
    """Answer ``resources/subscribe``: from now on the session's stream tells changes of this resource.

    Raises:
        MCPError: the client has no session, or listens to too many resources.
    """
    connection = exchange.connection
    if connection is None:
        raise MCPError(METHOD_NOT_FOUND, "Method not found", exchange.method)  # nobody would ever be told anything
    uri = (exchange.params or {})["uri"]
    if uri not in connection.subscriptions and len(connection.subscriptions) >= MAX_SUBSCRIPTIONS:
        raise MCPError(INTERNAL_ERROR, f"A session listens to at most {MAX_SUBSCRIPTIONS} resources.")
    if "\0" in uri:
        raise MCPError(INVALID_PARAMS, "A URI holds no NUL.")
    await connection.subscribe(uri)
    return {}


async def unsubscribe(exchange: Exchange) -> dict[str, Any]:
    """Answer ``resources/unsubscribe``."""
    if exchange.connection is not None:
        await exchange.connection.unsubscribe((exchange.params or {})["uri"])
    return {}
