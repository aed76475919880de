"""The components of all servers, as the pages of the dashboard show and address them."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin.utils import quote, unquote
from django.db.models import Count, Q
from django.http import Http404
from django.utils import timezone

from mcp_django.models import Call, ComponentSchema
from mcp_django.registry import MCPServer, discover, servers

COUNTED_DAYS = 7
"""Calls are counted over so many days."""

CHANGED_DAYS = 7
"""A schema that changed so recently is pointed out."""


@dataclass(slots=True)
class Entry:
    """One component, with what the database says of it."""

    server: MCPServer
    facts: Any
    """A ``ComponentDescription``."""

    calls: int = 0
    errors: int = 0
    changed: datetime | None = None
    """When its schema was first seen to be another one. ``None``: not lately."""

    @property
    def token(self) -> str:
        """What names it in URLs and forms."""
        return quote(f"{self.server.path}|{self.facts.kind}|{self.facts.key}")

    @property
    def runnable(self) -> bool:
        """Whether the console can run it."""
        return self.facts.kind in ("tool", "resource", "prompt")

    @property
    def label(self) -> str:
        """What the admin's log calls it."""
        return f"{self.facts.kind} {self.facts.key} ({self.server.name or 'default'})"


def entries(*, counted: bool = True) -> list[Entry]:
    """Return the components of all servers.

    Args:
        counted: whether to count their calls, and to look whether their schemas have changed.
    """
    discover()
    found = []
    for server in servers():
        server.read_switches()
        found += [Entry(server, facts) for facts in server.describe().components]
    if counted:
        _count_calls(found)
        note_schemas(found)
    return found


def find_entry(token: str) -> Entry:
    """Return the component that a URL names. Raises ``Http404``."""
    path, _, rest = unquote(token).partition("|")
    kind, _, key = rest.partition("|")
    for entry in entries(counted=False):
        if (entry.server.path, entry.facts.kind, entry.facts.key) == (path, kind, key):
            return entry
    raise Http404("There is no such component.")


def _count_calls(found: Iterable[Entry]) -> None:
    since = timezone.now() - timedelta(days=COUNTED_DAYS)
    failed = Q(outcome__in=[Call.Outcome.TOOL_ERROR, Call.Outcome.FAILED])
    rows = (
        Call.objects.filter(ended__gte=since)
        .exclude(component="")
        .order_by()
        .values_list("server", "kind", "component")
        .annotate(calls=Count("pk"), errors=Count("pk", filter=failed))
    )
    counts = {(server, kind, name): (calls, errors) for server, kind, name, calls, errors in rows}
    for entry in found:
        slot = (entry.server.path, entry.facts.kind)
        for name in (entry.facts.key[:200], entry.facts.name):
            if (*slot, name) in counts:
                entry.calls, entry.errors = counts[(*slot, name)]
                break


def note_schemas(found: Iterable[Entry]) -> None:
    """Write down what lists show of components, where it is not what was seen last, and mark what changed lately.

    Nothing else writes this: a change is dated by the first look after it.
    """
    kept: dict[tuple[str, str, str], list[ComponentSchema]] = {}
    for row in ComponentSchema.objects.all():
        kept.setdefault((row.server, row.kind, row.key), []).append(row)
    new = []
    limit = timezone.now() - timedelta(days=CHANGED_DAYS)
    for entry in found:
        if not entry.facts.listing:
            continue
        shown = plain(entry.facts.listing)
        known = kept.get((entry.server.path, entry.facts.kind, entry.facts.key), [])
        if not known or known[-1].shown != shown:
            row = ComponentSchema(
                server=entry.server.path,
                kind=entry.facts.kind,
                key=entry.facts.key[:500],
                shown=shown,
                first_seen=timezone.now(),
            )
            new.append(row)
            known = [*known, row]
        if len(known) > 1 and known[-1].first_seen >= limit:
            entry.changed = known[-1].first_seen
    ComponentSchema.objects.bulk_create(new)


def schema_change(entry: Entry) -> tuple[datetime, list[str]] | None:
    """Return when a component's schema changed last, and the lines of the difference."""
    rows = list(
        ComponentSchema.objects.filter(
            server=entry.server.path, kind=entry.facts.kind, key=entry.facts.key[:500]
        ).order_by("-pk")[:2]
    )
    if len(rows) < 2:
        return None
    now, before = (pretty(row.shown).splitlines() for row in rows)
    return rows[0].first_seen, list(difflib.unified_diff(before, now, lineterm="", n=2))[2:]


def plain(value: Mapping[str, Any]) -> Any:
    """Return what JSON makes of something, and makes the same of again."""
    return json.loads(json.dumps(value, default=str))


def pretty(value: Any) -> str:
    """Return JSON for people to read."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
