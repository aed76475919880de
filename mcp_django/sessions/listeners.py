"""Who in this process waits for events: one listener a stream."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import lru_cache
from secrets import token_hex
from time import monotonic

from mcp_django.sessions.events import Event

LIST_KINDS = frozenset({"tools", "prompts", "resources"})


class Listener:
    """The events that one stream still has to send.

    They lie in a dict, so what happens twice before the stream gets to it is sent once, and a client that has stopped
    reading holds at most one event for each thing it listens to.
    """

    __slots__ = (
        "_pending",
        "_token",
        "_waiter",
        "ended",
        "kinds",
        "opened",
        "owner",
        "server",
        "session",
        "stale",
        "uris",
    )

    def __init__(self, server: str, kinds: Iterable[str], uris: Iterable[str], *, session: str = "") -> None:
        self.server, self.session = server, session
        self.kinds = _one(frozenset(kinds))
        self.uris = frozenset(uris)
        self.owner = ("", "")
        self._token = ""
        self.opened = monotonic()
        self.ended = False
        self.stale = False
        """What it waits for may have changed in another process."""

        self._pending: dict[Event, None] = {}
        self._waiter: asyncio.Future[None] | None = None  # an asyncio.Event would hold five times as much

    @property
    def token(self) -> str:
        """What names the stream to other processes. Made when first asked for: most streams are never named."""
        self._token = self._token or token_hex(8)
        return self._token

    def put(self, event: Event) -> None:
        """Note an event."""
        self._pending[event] = None
        self._wake()

    def put_everything(self) -> None:
        """Note that anything may have changed: messages were lost on the way here."""
        for kind in self.kinds:
            self.put(Event(self.server, kind))  # type: ignore[arg-type]
        for uri in self.uris:
            self.put(Event(self.server, "resource", uri))

    def touch(self) -> None:
        """Let the stream look at its session again."""
        self.stale = True
        self._wake()

    def heed(self) -> bool:
        """Say whether it is to look at its session again, as it now does."""
        stale, self.stale = self.stale, False
        return stale

    def end(self) -> None:
        """End the stream."""
        self.ended = True
        self._wake()

    @property
    def awake(self) -> bool:
        """There is something to send or to look at, or it has ended."""
        return bool(self._pending) or self.ended or self.stale

    def woken(self) -> asyncio.Future[None]:
        """Return what is done once it is awake, which it is not now; for one task at a time.

        No coroutine: its frame would be a hundredth of what an open stream holds.
        """
        self._waiter = asyncio.get_running_loop().create_future()
        return self._waiter

    def take(self) -> list[Event]:
        """Return all events that have happened since it was last asked."""
        taken, self._pending = list(self._pending), {}
        return taken

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


@lru_cache(maxsize=16)
def _one(kinds: frozenset[str]) -> frozenset[str]:
    """Return the one of several equal sets, for all streams to share."""
    return kinds


class Listeners:
    """All listeners of a process, found by what they wait for: an event looks at nobody whom it doesn't concern."""

    def __init__(self) -> None:
        self._by_topic: dict[tuple[str, str, str], dict[Listener, None]] = {}
        self._by_session: dict[str, Listener] = {}
        self._all: dict[Listener, None] = {}

    def __len__(self) -> int:
        return len(self._all)

    def all(self) -> list[Listener]:
        """Return those that are there now. From any thread."""
        return list(self._all)

    def add(self, listener: Listener) -> None:
        """Add a listener. A session has one stream for events: an older one of the same session ends."""
        if listener.session:
            if (older := self._by_session.get(listener.session)) is not None:
                older.end()
            self._by_session[listener.session] = listener
        self._all[listener] = None
        self._enter_topics(listener)

    def remove(self, listener: Listener) -> None:
        """Remove a listener, whether it is there or not."""
        self._all.pop(listener, None)
        if self._by_session.get(listener.session) is listener:
            del self._by_session[listener.session]
        self._leave_topics(listener)

    def count_of(self, owner: tuple[str, str]) -> int:
        """Return how many streams a user has open through a client."""
        return sum(listener.owner == owner for listener in self._all)

    def of_session(self, session: str) -> Listener | None:
        """Return the stream of a session, if it is open in this process."""
        return self._by_session.get(session)

    def resubscribe(self, listener: Listener, uris: Iterable[str]) -> None:
        """Let a listener wait for other resources than before."""
        self._leave_topics(listener)
        listener.uris = frozenset(uris)
        if listener in self._all:
            self._enter_topics(listener)

    def tell(self, event: Event) -> None:
        """Hand an event to those who wait for it."""
        uri = event.uri if event.kind == "resource" else ""
        for listener in self._by_topic.get((event.server, event.kind, uri), ()):
            listener.put(event)

    def tell_everything(self) -> None:
        """Tell everybody that anything may have changed."""
        for listener in self._all:
            listener.put_everything()

    def end_all(self) -> None:
        """End every stream."""
        for listener in list(self._all):
            listener.end()

    def _enter_topics(self, listener: Listener) -> None:
        for topic in _topics(listener):
            self._by_topic.setdefault(topic, {})[listener] = None

    def _leave_topics(self, listener: Listener) -> None:
        for topic in _topics(listener):
            waiting = self._by_topic.get(topic, {})
            waiting.pop(listener, None)
            if not waiting:
                self._by_topic.pop(topic, None)


def _topics(listener: Listener) -> list[tuple[str, str, str]]:
    lists = [(listener.server, kind, "") for kind in listener.kinds]
    return lists + [(listener.server, "resource", uri) for uri in listener.uris]
