"""Is this process alive, and may it be sent requests? For load balancers and orchestrators."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from asgiref.sync import sync_to_async
from django.core.cache import caches
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

from mcp_django.sessions.layer import layer_of_this_loop

logger = logging.getLogger(__name__)

LAYER_SECONDS = 2
"""How long the channel layer may take to hand a message back."""


class NotReady(Exception):
    """Something that requests need doesn't work. Its text names it, and holds nothing that a driver said."""


async def livez(request: HttpRequest) -> JsonResponse:
    """Say that this process answers. Asks nothing of anything else."""
    return JsonResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


async def readyz(request: HttpRequest) -> JsonResponse:
    """Say whether databases, cache, channel layer and migrations are ready; 503 names what isn't.

    Why it isn't stands in the log, and in the answer to members of the staff, told by their token.
    """
    failures = {}
    for name, check in CHECKS.items():
        try:
            await check()
        except Exception as error:
            logger.error("Not ready: %s.", name, exc_info=error)
            failures[name] = f"{type(error).__name__}: {error}"
    body: dict[str, Any] = {
        "status": "unavailable" if failures else "ready",
        "checks": {name: "failed" if name in failures else "ok" for name in CHECKS},
    }
    principal = request.principal  # type: ignore[attr-defined]
    if failures and principal.kind in ("token", "key") and getattr(principal.user, "is_staff", False):
        body["details"] = failures
    return JsonResponse(body, status=503 if failures else 200, headers={"Cache-Control": "no-store"})


@contextmanager
def _told(fact: str) -> Iterator[None]:
    """Say of whatever is raised inside what it means, without its text: that may hold an address and a password."""
    try:
        yield
    except Exception as error:
        raise NotReady(f"{fact} ({type(error).__name__}).") from error


def _check_databases() -> None:
    for connection in connections.all():
        with _told(f"The database {connection.alias!r} doesn't answer"), connection.cursor() as cursor:
            cursor.execute("SELECT 1")


def _check_cache() -> None:
    for alias in caches:
        key, value = f"mcp_django.readyz.{secrets.token_hex(8)}", secrets.token_hex(8)
        with _told(f"The cache {alias!r} doesn't answer"):
            caches[alias].set(key, value, timeout=10)
            found = caches[alias].get(key)
            caches[alias].delete(key)
        if found != value and "dummy" not in type(caches[alias]).__module__:
            raise NotReady(f"The cache {alias!r} doesn't keep what it is given.")


async def _check_channel_layer() -> None:
    layer = layer_of_this_loop()
    if layer is None:
        return
    with _told("The channel layer doesn't hand a message back"):
        async with asyncio.timeout(LAYER_SECONDS):  # a Redis that hangs takes nothing, and says nothing
            channel = await layer.new_channel()
            await layer.send(channel, {"type": "readyz"})
            await layer.receive(channel)


_migrated = False
"""Whether nothing was left to apply, once. New migrations come with new code, and so with a new process."""


def _check_migrations() -> None:
    global _migrated
    if _migrated:
        return
    for connection in connections.all():
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise NotReady(f"Migrations of the database {connection.alias!r} are not applied.")
    _migrated = True


CHECKS: dict[str, Callable[[], Awaitable[None]]] = {
    "database": sync_to_async(_check_databases),
    "cache": sync_to_async(_check_cache),
    "channel_layer": _check_channel_layer,
    "migrations": sync_to_async(_check_migrations),
}
"""What is looked at, by name. Each raises ``NotReady``, or whatever else is wrong."""
