"""Whether what the servers lean on is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.core.cache import caches
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mcp_django.dashboard.page import Page

LAYER_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look at one thing has found."""

    name: str
    ok: bool
    text: str
    milliseconds: int


class HealthPage(Page):
    """Looks at each thing when it is asked for."""

    route = "health/"
    url_name = "mcp_django_health"
    title = gettext_lazy("Health")
    permission = "mcp_django.view_dashboard"
    template_name = "admin/mcp_django/health.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(findings=list(findings()), **kwargs)


def findings() -> Iterator[Finding]:
    """Look at each database, each cache, and the channel layer."""
    for alias in connections:
        yield _look(_("Database %(alias)s") % {"alias": alias}, lambda alias=alias: _database(alias))  # type: ignore[misc]
        yield _look(_("Migrations of %(alias)s") % {"alias": alias}, lambda alias=alias: _migrations(alias))  # type: ignore[misc]
    for alias in caches.settings:
        yield _look(_("Cache %(alias)s") % {"alias": alias}, lambda alias=alias: _cache(alias))  # type: ignore[misc]
    yield _look(_("Channel layer"), _layer)


def _look(name: str, check: Callable[[], str]) -> Finding:
    began = perf_counter()
    try:
        text, ok = check(), True
    except Exception as error:  # whatever it is, it is what the page is for; its text may hold a password
        text, ok = type(error).__name__, False
    return Finding(name, ok, text, round((perf_counter() - began) * 1000))


def _database(alias: str) -> str:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT 1")
    return str(connections[alias].display_name)


def _migrations(alias: str) -> str:
    executor = MigrationExecutor(connections[alias])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        raise Unapplied
    return _("all applied")


class Unapplied(Exception):
    """Migrations are there that have not been applied."""


def _cache(alias: str) -> str:
    key, value = f"mcp_django.health.{get_random_string(12)}", get_random_string(12)
    caches[alias].set(key, value, 30)
    if caches[alias].get(key) != value:
        raise Forgetful
    caches[alias].delete(key)
    return type(caches[alias]).__name__


class Forgetful(Exception):
    """A cache that doesn't keep what it is given."""


def _layer() -> str:
    layer = get_channel_layer()
    if layer is None:
        return _("none: one process is enough for itself")
    if isinstance(layer, InMemoryChannelLayer):
        return _("in memory: for one process")
    async_to_sync(_round_trip)()
    return type(layer).__name__


async def _round_trip() -> None:
    """Send something to oneself, over connections of this loop."""
    layer: Any = get_channel_layer()
    async with asyncio.timeout(LAYER_SECONDS):
        channel = await layer.new_channel("mcp-health")
        await layer.send(channel, {"type": "health"})
        await layer.receive(channel)
        if hasattr(layer, "close_pools"):
            await layer.close_pools()
