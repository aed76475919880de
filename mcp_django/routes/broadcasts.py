"""Telling all who listen, whichever worker they are connected to.

It rides the hub of ``sessions``: one subscription to the channel layer for each process, whatever the number of
listeners, and from there a mailbox for each of them. It is as the layer is: at most once, and only to who is there.
"""

from __future__ import annotations

import asyncio
import json
import logging
from secrets import token_hex
from types import TracebackType
from typing import Any, Self
from weakref import WeakKeyDictionary

from django.core.serializers.json import DjangoJSONEncoder

from mcp_django.routes.event_streams import ServerSentEvent
from mcp_django.sessions.hub import Hub, get_hub
from mcp_django.sessions.publish import publish

logger = logging.getLogger("mcp_django.routes")

MAX_BYTES = 64 * 1024
"""Largest broadcast, as JSON."""

MAX_WAITING = 100
"""Most events that wait for one listener; whoever reads more slowly is dropped."""

MAX_GROUP = 100
"""Longest name of a group."""

_NUDGE = "broadcast"


def broadcast(group: str, data: Any, *, event: str = "", id: str = "") -> None:
    """Tell all who have subscribed to a group, on all workers. From sync or async code, from views, jobs and commands.

    It waits for nothing where clients are served. In a transaction, leave it to ``transaction.on_commit``: a listener
    may look before the rows are there.

    Args:
        group: any name. Who may listen is decided where somebody subscribes.
        data: a text, or what becomes JSON.
        event: type of the event.
        id: for clients that come back (``last_event_id``).

    Raises:
        ValueError: the name is too long, the data larger than ``MAX_BYTES``, or type or id more than one line.
        TypeError: JSON knows no such thing.
    """
    ServerSentEvent(data=data, event=event, id=id).encode()  # what no listener could be sent, nobody is told
    text = json.dumps({"data": data, "event": event, "id": id}, cls=DjangoJSONEncoder)
    if len(text) > MAX_BYTES:
        raise ValueError(f"A broadcast may have {MAX_BYTES} bytes, not {len(text)}: send where to read the rest.")
    publish((_NUDGE, _checked(group), token_hex(8), text))  # the hub takes two that are the same for one


def subscribe(group: str) -> Subscription:
    """Listen to a group, from async code: ``async for event in subscribe("news")`` gives each ``ServerSentEvent``.

    It hears from the first ``anext`` on; inside ``async with``, from there on, so that one can first send what somebody
    has missed. It ends when its reader is more than ``MAX_WAITING`` events behind: a client comes back then, and says
    where it was.

    Raises:
        ValueError: the name is too long.
    """
    return Subscription(_checked(group))


class Subscription:
    """The events of a group for one listener."""

    def __init__(self, group: str) -> None:
        self._group = group
        self._waiting: asyncio.Queue[ServerSentEvent] = asyncio.Queue(MAX_WAITING)
        self._hub: Hub | None = None
        self._dropped = False

    async def __aenter__(self) -> Self:
        if self._hub is None:
            self._hub = get_hub()
            _listeners.setdefault(self._hub, {}).setdefault(self._group, set()).add(self)
            self._hub.on(_NUDGE, _deliver)
            await self._hub.joined()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ServerSentEvent:
        await self.__aenter__()
        if self._dropped and self._waiting.empty():
            raise StopAsyncIteration
        return await self._waiting.get()

    async def aclose(self) -> None:
        """Listen no longer."""
        self._leave()

    def put(self, event: ServerSentEvent) -> None:
        """Keep an event for the listener, or drop the listener."""
        try:
            self._waiting.put_nowait(event)
        except asyncio.QueueFull:
            logger.warning("A listener of %r was dropped: %d events wait for it.", self._group, MAX_WAITING)
            self._dropped = True
            self._leave()

    def _leave(self) -> None:
        groups = {} if self._hub is None else _listeners.get(self._hub, {})
        listening = groups.get(self._group, set())
        listening.discard(self)
        if not listening:
            groups.pop(self._group, None)


_listeners: WeakKeyDictionary[Hub, dict[str, set[Subscription]]] = WeakKeyDictionary()


def _deliver(group: str, number: str, text: str) -> None:
    """Hand over what comes by the hub of the running loop."""
    listening = _listeners.get(get_hub(), {}).get(group)
    if listening:
        event = ServerSentEvent(**json.loads(text))
        for subscription in list(listening):
            subscription.put(event)


def _checked(group: str) -> str:
    if len(group) > MAX_GROUP:
        raise ValueError(f"The name of a group may have {MAX_GROUP} characters, not {len(group)}.")
    return group
