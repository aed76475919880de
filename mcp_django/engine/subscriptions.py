"""``subscriptions/listen`` of 2026-07-28, and ``resources/subscribe`` of the revisions before it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from math import inf
from typing import TYPE_CHECKING, Any

from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND

from mcp_django.activity import get_recorder
from mcp_django.auth.bearer import renewed
from mcp_django.auth.credentials import seconds_left
from mcp_django.conf import get_settings
from mcp_django.engine.access import admitted, audible_uris
from mcp_django.engine.clock import Limit
from mcp_django.engine.server import get_engine
from mcp_django.engine.switches import read_switches
from mcp_django.exceptions import ProtocolError
from mcp_django.registry import servers
from mcp_django.sessions.events import Event
from mcp_django.sessions.hub import get_hub
from mcp_django.sessions.listeners import LIST_KINDS, Listener
from mcp_django.sessions.streams import end_here

if TYPE_CHECKING:
    from mcp_django.engine.exchange import Exchange

SUBSCRIPTION_ID = "io.modelcontextprotocol/subscriptionId"

MAX_SUBSCRIPTIONS = 1000
"""Most resources that one client listens to."""

LOOK_SECONDS = 30
"""How often an open stream looks whether its client may still have it."""

BREATH_SECONDS = 0.02
"""After what it has sent, a stream waits so long for more: what happens at once is told once."""


Notify = Callable[[str, dict[str, Any]], Awaitable[None]]
Look = Callable[[], Awaitable[bool]]


class TooManyStreams(ProtocolError):
    """``MAX_STREAMS`` or ``MAX_STREAMS_PER_USER`` are open."""

    reason = "too_many_streams"

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
    hub.on("stream", end_here)
    if (recorder := get_recorder()) is not None:
        recorder.start()  # a process that has streams says so, though it may never be called


async def listen(exchange: Exchange) -> dict[str, Any]:
    """Answer ``subscriptions/listen``: the stream is the answer, and ends with a result when we end it.

    Raises:
        ProtocolError: too many streams are open, or the transport has none.
    """
    if exchange.channel is None:
        raise ProtocolError(INTERNAL_ERROR, "This endpoint has no streams, so there is nothing to listen to.")
    kinds, uris = _wanted(exchange)
    listener = Listener(exchange.engine.declared.path, kinds, await audible_uris(uris, exchange))
    claim_stream(listener, exchange.principal.owner)
    subscription = _Subscription(exchange, listener, uris)
    try:
        await get_hub().joined()
        await subscription.notify("notifications/subscriptions/acknowledged", {"notifications": _honoured(kinds, uris)})
        exchange.let_go()
        seconds = seconds_left(exchange.principal, get_settings().STREAM_SECONDS)
        await forward(listener, subscription.notify, seconds=seconds, look=subscription.look, every=LOOK_SECONDS)
    finally:
        get_hub().listeners.remove(listener)
    return {"_meta": subscription.meta}


class _Subscription:
    """What an open stream holds for itself: as little as it can, since there are thousands."""

    __slots__ = ("_exchange", "_listener", "_uris")

    def __init__(self, exchange: Exchange, listener: Listener, uris: tuple[str, ...]) -> None:
        self._exchange, self._listener, self._uris = exchange, listener, uris

    @property
    def meta(self) -> dict[str, Any]:
        """What says to which of its client's streams a message belongs."""
        return {SUBSCRIPTION_ID: self._exchange.request_id}

    async def notify(self, method: str, params: dict[str, Any]) -> None:
        """Send a notification."""
        await self._exchange.notify(method, {"_meta": self.meta, **params})

    async def look(self) -> bool:
        """Say whether the stream may go on; what its client may not hear of any more, it doesn't."""
        exchange = self._exchange
        principal = await renewed(exchange.principal)
        if principal is None:
            return False
        exchange.principal, exchange.rights = principal, None
        get_hub().listeners.resubscribe(self._listener, await audible_uris(self._uris, exchange, step_up=False))
        return True


def _wanted(exchange: Exchange) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the kinds of lists and the resources that a client wants to hear of."""
    wanted = (exchange.params or {})["notifications"]
    kinds = tuple(kind for kind in sorted(LIST_KINDS) if wanted.get(f"{kind}ListChanged"))
    return kinds, tuple(dict.fromkeys(wanted.get("resourceSubscriptions") or ()))[:MAX_SUBSCRIPTIONS]


def _honoured(kinds: tuple[str, ...], uris: tuple[str, ...]) -> dict[str, Any]:
    honoured: dict[str, Any] = {f"{kind}ListChanged": True for kind in kinds}
    return honoured | {"resourceSubscriptions": uris} if uris else honoured


async def forward(
    listener: Listener,
    notify: Notify,
    *,
    seconds: float = inf,
    look: Look | None = None,
    every: float = inf,
) -> None:
    """Send a listener's events until it ends.

    While it only waits, it holds one timer, and none where it needs not look and its time is endless.

    Args:
        seconds: after which it ends, also when it is held up in the middle of what it sends.
        look: asked after each ``every`` seconds, and when the listener is stale, whether it may go on.
    """
    loop, end, rested = asyncio.get_running_loop(), asyncio.get_running_loop().time() + seconds, -inf
    timer: asyncio.TimerHandle | None = None
    try:
        while not listener.ended and (now := loop.time()) < end:
            timer = timer or _alarm(listener, min(end - now, every))
            if not listener.awake:
                await listener.woken()
            await _breath(listener, rested)
            with Limit(max(end - loop.time(), 0.001) if end < inf else 0):
                if listener.heed():  # whoever touched it: one loop's timer may ring a moment before its time
                    _cancelled(timer)
                    timer = None
                    if look is not None and not await look():
                        return
                for event in await not_hidden(listener.take()):
                    await notify(event.method, event.params)
            rested = loop.time() + BREATH_SECONDS
    except TimeoutError:
        return
    finally:
        _cancelled(timer)


async def _breath(listener: Listener, until: float) -> None:
    """Wait for what happens meanwhile, unless the stream has ended."""
    seconds = until - asyncio.get_running_loop().time()
    if seconds > 0 and not listener.ended:
        await asyncio.sleep(seconds)


def _cancelled(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()


def _alarm(listener: Listener, seconds: float) -> asyncio.TimerHandle | None:
    return asyncio.get_running_loop().call_later(seconds, listener.touch) if seconds < inf else None


async def not_hidden(events: list[Event]) -> list[Event]:
    """Return those events of one server of which clients are told: none about a resource that is switched off."""
    if all(event.kind != "resource" for event in events):
        return events
    server = next((each for each in servers() if each.path == events[0].server), None)
    if server is None:  # it was declared at run time, and is gone
        return events
    if server.unread:
        await read_switches(server)
    engine = get_engine(server)
    return [event for event in events if event.kind != "resource" or not engine.hidden_at(event.uri)]


async def subscribe(exchange: Exchange) -> dict[str, Any]:
    """Answer ``resources/subscribe``: from now on the session's stream tells changes of this resource.

    Raises:
        ProtocolError: the client has no session, may not hear of it yet, or listens to too many resources.
    """
    connection = exchange.connection
    if connection is None:
        raise ProtocolError(METHOD_NOT_FOUND, "Method not found", exchange.method)  # nobody would ever be told anything
    uri = (exchange.params or {})["uri"]
    if uri not in connection.subscriptions and len(connection.subscriptions) >= MAX_SUBSCRIPTIONS:
        raise ProtocolError(INTERNAL_ERROR, f"A session listens to at most {MAX_SUBSCRIPTIONS} resources.")
    if "\0" in uri:
        raise ProtocolError(INVALID_PARAMS, "A URI holds no NUL.")
    if await audible_uris([uri], exchange):
        await connection.subscribe(uri)
    else:  # hidden: as if it weren't there, of which nothing would ever be told either
        await admitted(None, exchange)
    return {}


async def unsubscribe(exchange: Exchange) -> dict[str, Any]:
    """Answer ``resources/unsubscribe``."""
    if exchange.connection is not None:
        await exchange.connection.unsubscribe((exchange.params or {})["uri"])
    return {}
