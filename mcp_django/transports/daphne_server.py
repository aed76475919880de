"""daphne, as ``manage.py runmcp`` runs it."""

from __future__ import annotations

import asyncio
import inspect
from functools import partial
from typing import Any

from daphne.endpoints import build_endpoint_description_strings
from daphne.http_protocol import WebRequest
from daphne.server import Server
from twisted.internet.defer import Deferred
from twisted.web.http import Request

CLEANUP_SECONDS = 3
"""How long cancelled calls may clean up before the process ends."""

BACKLOG = 1024
"""Connections that may wait to be accepted. Twisted's own 50 turn clients away that all come back at once."""


def endpoints(host: str, port: int) -> list[str]:
    """Return what daphne listens at, in the form that Twisted reads."""
    addresses: list[str] = build_endpoint_description_strings(host=host, port=port)
    return [f"{address}:backlog={BACKLOG}" for address in addresses]


class PatientServer(Server):  # type: ignore[misc]
    """Lets every cancelled call run its ``finally``; daphne's own goes on to exit when the first one is done.

    And it leaves bodies alone: Twisted reads the ``Content-Type`` of each POST with Python's parser of mail, and forms
    into memory, both for nothing, since daphne hands on what was sent (docs/how-to/performance.md).
    """

    def __init__(self, application: Any, **options: Any) -> None:
        super().__init__(application, ready_callable=self._leave_forms_alone, **options)

    def _leave_forms_alone(self) -> None:
        if "parsePOSTFormSubmission" not in inspect.signature(Request).parameters:  # an older Twisted
            return
        build = self.http_factory.buildProtocol

        def build_protocol(address: Any) -> Any:
            protocol = build(address)
            protocol.requestFactory = partial(WebRequest, parsePOSTFormSubmission=False)
            return protocol

        self.http_factory.buildProtocol = build_protocol

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
