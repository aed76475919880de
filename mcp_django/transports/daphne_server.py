"""daphne, as ``manage.py runmcp`` runs it."""

from __future__ import annotations

import asyncio
from typing import Any

from daphne.endpoints import build_endpoint_description_strings
from daphne.server import Server
from twisted.internet.defer import Deferred

CLEANUP_SECONDS = 3
"""How long cancelled calls may clean up before the process ends."""

BACKLOG = 1024
"""Connections that may wait to be accepted. Twisted's own 50 turn clients away that all come back at once."""


def endpoints(host: str, port: int) -> list[str]:
    """Return what daphne listens at, in the form that Twisted reads."""
    addresses: list[str] = build_endpoint_description_strings(host=host, port=port)
    return [f"{address}:backlog={BACKLOG}" for address in addresses]


class PatientServer(Server):  # type: ignore[misc]
    """Lets every cancelled call run its ``finally``; daphne's own goes on to exit when the first one is done."""

    def kill_all_applications(self) -> Any:
        """Cancel what runs, and wait for all of it, but not for ever."""
        running = [details.get("application_instance") for details in self.connections.values()]
        tasks = [task for task in running if task is not None and not task.done()]
        for task in tasks:
            task.cancel()
        return Deferred.fromFuture(asyncio.ensure_future(_ended(tasks)))


async def _ended(tasks: list[asyncio.Task[Any]]) -> None:
    if tasks:
        await asyncio.wait(tasks, timeout=CLEANUP_SECONDS)
