"""The open streams of a process as rows, so that staff see them and end them at whatever worker they are.

What counts is what the process has open: the rows are copied from it, and again whenever they got lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from time import monotonic

from django.utils import timezone

from mcp_django.models import Stream
from mcp_django.sessions.hub import Hub, running_hubs
from mcp_django.sessions.listeners import Listener
from mcp_django.sessions.publish import publish

BATCH_ROWS = 200


class StreamRows:
    """What a worker has told of its streams. For the one thread that tells.

    Args:
        worker: primary key of its row.
    """

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self._told: dict[str, str] = {}
        """By token: what the stream hears of."""

    def obey(self) -> None:
        """End what staff have ended, and see which rows are there. Raises ``django.db.DatabaseError``."""
        rows = list(Stream.objects.filter(worker=self._worker).values_list("pk", "hears", "ended"))
        self._told = {token: hears for token, hears, _ in rows}
        end_here(*(token for token, _, ended in rows if ended))

    def tell(self) -> None:
        """Write what has changed since the last time. Raises ``django.db.DatabaseError``."""
        here = {listener.token: (listener, hears_of(listener)) for _, listener in _open_here()}
        gone = list(self._told.keys() - here.keys())
        for begin in range(0, len(gone), BATCH_ROWS):
            Stream.objects.filter(pk__in=gone[begin : begin + BATCH_ROWS]).delete()
        changed = [self._row(*each) for token, each in here.items() if self._told.get(token) != each[1]]
        Stream.objects.bulk_create(
            changed, batch_size=BATCH_ROWS, update_conflicts=True, unique_fields=["id"], update_fields=["hears"]
        )
        self._told = {token: hears for token, (_, hears) in here.items()}

    def _row(self, listener: Listener, hears: str) -> Stream:
        user, client = listener.owner
        return Stream(
            id=listener.token,
            worker_id=self._worker,
            server=listener.server,
            session=listener.session,
            user_id=user or None,
            client_id=client[:255],
            hears=hears,
            opened=timezone.now() - timedelta(seconds=monotonic() - listener.opened),
        )


def hears_of(listener: Listener) -> str:
    """Return in a few words what a stream is for."""
    lists = [f"lists of {', '.join(sorted(listener.kinds))}"] if listener.kinds else []
    resources = [f"{len(listener.uris)} resource{'s' * (len(listener.uris) > 1)}"] if listener.uris else []
    return "; ".join([*lists, *resources]) or "the answer to a call"


def end_streams(tokens: list[str]) -> int:
    """End streams on whatever worker they are, at once, or within seconds when the channel layer fails; say how many.

    Their clients may open others. For sync code.
    """
    for begin in range(0, len(tokens), BATCH_ROWS):
        batch = tokens[begin : begin + BATCH_ROWS]
        Stream.objects.filter(pk__in=batch).update(ended=True)
        publish(("stream", *batch))
    return len(tokens)


def end_here(*tokens: str) -> None:
    """End the streams of this process that have one of these tokens: what a hub does when it is told."""
    ended = frozenset(tokens)
    for hub, listener in _open_here() if ended else ():
        if listener.token in ended:
            hub.loop.call_soon_threadsafe(listener.end)


def _open_here() -> Iterator[tuple[Hub, Listener]]:
    return ((hub, listener) for hub in running_hubs() for listener in hub.listeners.all())
