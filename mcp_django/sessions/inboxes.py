"""What clients of the HTTP+SSE transport post, on its way to the process that holds their stream.

A message that arrives at that process is handed over. One that arrives at another is written into a row, and a nudge
goes to the one that holds the stream. The nudge may be lost, so the rows are also looked for now and then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from weakref import WeakKeyDictionary

from django.db import DatabaseError, IntegrityError

from mcp_django.lanes import on_own_thread
from mcp_django.models import PostedMessage
from mcp_django.sessions.hub import Hub, get_hub

logger = logging.getLogger(__name__)

LOOK_SECONDS = 5
"""How often a stream looks for messages of whose arrival elsewhere it may not have been told."""

MAX_WAITING = 64
"""Most messages of a session that wait in a process, and in the database."""


class StreamEnded(Exception):
    """Nobody holds the session's stream any more, so that nobody can answer."""


class TooManyMessages(Exception):
    """``MAX_WAITING`` wait already."""


class Inbox:
    """The messages for one stream, in the process that holds it."""

    def __init__(self, session_id: str, *, shared: bool) -> None:
        self._session_id, self._shared = session_id, shared
        self._here: list[str] = []
        self._look = asyncio.Event()

    def put(self, body: str) -> None:
        """Hand a message over. Raises ``TooManyMessages``."""
        if len(self._here) >= MAX_WAITING:
            raise TooManyMessages
        self._here.append(body)
        self.look()

    def look(self) -> None:
        """Let the stream see what there is."""
        self._look.set()

    async def take(self) -> list[str]:
        """Wait for messages, and return all that are there, in the order in which they were posted."""
        while True:
            self._look.clear()
            here, self._here = self._here, []
            elsewhere = await self._posted_elsewhere() if self._shared else []
            if elsewhere or here:
                return elsewhere + here  # whoever posted here last has heard that the other was taken
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS if self._shared else None):
                    await self._look.wait()

    async def _posted_elsewhere(self) -> list[str]:
        try:
            return await on_own_thread(_take, self._session_id)
        except DatabaseError:
            logger.warning("A stream could not look for messages; it tries again.", exc_info=True)
            return []


class Inboxes:
    """Per process and loop."""

    def __init__(self) -> None:
        self._by_session: dict[str, Inbox] = {}

    @contextmanager
    def opened(self, session_id: str, *, shared: bool) -> Iterator[Inbox]:
        """Take in what is posted for a session whose stream is here.

        Args:
            shared: whether it may be posted to other processes as well.
        """
        inbox = self._by_session[session_id] = Inbox(session_id, shared=shared)
        try:
            yield inbox
        finally:
            del self._by_session[session_id]

    def of_session(self, session_id: str) -> Inbox | None:
        """Return the inbox of a session, if its stream is in this process."""
        return self._by_session.get(session_id)

    def look(self, session_id: str) -> None:
        """Let a stream see what was posted elsewhere."""
        if (inbox := self.of_session(session_id)) is not None:
            inbox.look()

    def look_everywhere(self) -> None:
        """Let all of them see: nudges were lost."""
        for inbox in self._by_session.values():
            inbox.look()


_inboxes: WeakKeyDictionary[Hub, Inboxes] = WeakKeyDictionary()


def get_inboxes() -> Inboxes:
    """Return the inboxes of the running loop."""
    hub = get_hub()
    if hub not in _inboxes:
        inboxes = _inboxes[hub] = Inboxes()
        hub.on("posted", inboxes.look)
        hub.on_lost(inboxes.look_everywhere)
    return _inboxes[hub]


def open_inbox(session_id: str) -> AbstractContextManager[Inbox]:
    """Take in, inside, what is posted for a session whose stream this process holds."""
    return get_inboxes().opened(session_id, shared=get_hub().layer is not None)


async def deliver(session_id: str, body: str) -> None:
    """Bring a message to the process that holds the session's stream.

    Args:
        body: one JSON-RPC message.

    Raises:
        StreamEnded: there is none.
        TooManyMessages: it doesn't keep up.
    """
    hub = get_hub()
    inbox = get_inboxes().of_session(session_id)
    if inbox is not None:
        inbox.put(body)
    elif hub.layer is None:
        raise StreamEnded
    else:
        await on_own_thread(_post, session_id, body)
        hub.publish(("posted", session_id))


def _post(session_id: str, body: str) -> None:
    if PostedMessage.objects.filter(session=session_id).count() >= MAX_WAITING:
        raise TooManyMessages
    try:
        PostedMessage.objects.create(session_id=session_id, body=body)
    except IntegrityError as error:
        raise StreamEnded from error


def _take(session_id: str) -> list[str]:
    rows = list(PostedMessage.objects.filter(session=session_id).order_by("pk")[:MAX_WAITING])
    if rows:
        PostedMessage.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return [row.body for row in rows]
