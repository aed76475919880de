"""Several workers in one process and on one loop: each is an ASGI application with a hub of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import pytest

from mcp_django.sessions import hub as hubs
from mcp_django.sessions.hub import Hub
from tests.sessions.layers import SharedLayer


class Worker:
    """Serves an application with its own hub, and so its own streams, calls and questions."""

    def __init__(self, application: Any, layer: SharedLayer) -> None:
        self._application = application
        self.hub = _WorkersHub(self, layer)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        _serving.set(self)  # for the task of this request, and those that it starts
        await self._application(scope, receive, send)


class _WorkersHub(Hub):
    """Its tasks belong to its worker as well."""

    def __init__(self, worker: Worker, layer: SharedLayer) -> None:
        self._worker = worker
        super().__init__(layer)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        async def work_for_worker() -> None:
            _serving.set(self._worker)
            await work

        super().start(work_for_worker())


_serving: ContextVar[Worker | None] = ContextVar("_serving", default=None)


class _HubsByWorker(dict[asyncio.AbstractEventLoop, Hub]):
    """What ``get_hub`` looks into: it finds the hub of the worker whose task asks."""

    def __init__(self) -> None:
        super().__init__()
        self.workers: tuple[Worker, ...] = ()

    def items(self) -> Any:
        return [*super().items(), *((worker.hub.loop, worker.hub) for worker in self.workers)]

    def get(self, loop: Any, default: Any = None) -> Any:
        worker = _serving.get()
        return super().get(loop, default) if worker is None else worker.hub


@asynccontextmanager
async def two_workers(
    application: Any, layer: SharedLayer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Worker, Worker]]:
    """Let two workers share a layer, the database, and what the process keeps of sessions."""
    found = _HubsByWorker()
    monkeypatch.setattr(hubs, "_hubs", found)
    workers = found.workers = (Worker(application, layer), Worker(application, layer))
    for worker in workers:
        await worker.hub.joined()
    yield workers
    for worker in workers:
        await worker.hub.close()
