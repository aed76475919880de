"""From records to rows of ``Call``: one transaction for many, with SQL that is made once.

The ORM would cost several times what the call itself does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from django.conf import settings
from django.core.signals import setting_changed
from django.db import connections, router, transaction
from django.dispatch import receiver
from django.utils import timezone

from mcp_django.models import Call

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Record(NamedTuple):
    """One request that is over.

    When they are written, texts are cut to the widths of their columns, and rid of what isn't seen.
    """

    ended: float
    """Seconds since the epoch."""

    milliseconds: float
    server: str
    method: str
    kind: str
    component: str
    user_id: Any
    principal: str
    client_id: str
    client_name: str
    client_version: str
    protocol_version: str
    transport: str
    outcome: str
    error: str = ""
    request_id: str = ""
    arguments: str = ""


NAMES = Record._fields


def write(records: Sequence[tuple[Any, ...]]) -> None:
    """Write records, each as the tuple of its fields: all or none. For sync code.

    Raises:
        django.db.DatabaseError: the database is away, or has no such table.
    """
    alias = router.db_for_write(Call)
    rows = [_values(record, alias) for record in records]
    with transaction.atomic(alias), connections[alias].cursor() as cursor:
        cursor.executemany(_sql(alias), rows)


def as_call(record: Record) -> Call:
    """Return a record as the row that it becomes, for receivers of signals."""
    return Call(**{**record._asdict(), "ended": _moment(record.ended)})


def _values(record: tuple[Any, ...], alias: str) -> list[Any]:
    values = list(record)
    values[0] = _prepared(round(values[0] * 1000), alias)
    for place, width in _widths():
        text = values[place]
        if len(text) > width or not text.isprintable():  # U+0000 is none to PostgreSQL; others turn a line around
            values[place] = "".join(each for each in text if each.isprintable())[:width]
    return values


@lru_cache(maxsize=1024)
def _prepared(milliseconds: int, alias: str) -> Any:
    """Return a moment as the database takes it. Calls that end in the same millisecond share it."""
    return _field("ended").get_db_prep_save(_moment(milliseconds / 1000), connections[alias])


def _moment(seconds: float) -> datetime:
    moment = _EPOCH + timedelta(seconds=seconds)
    return moment if settings.USE_TZ else timezone.make_naive(moment)


@lru_cache(maxsize=1)
def _widths() -> tuple[tuple[int, int], ...]:
    """Return the places of texts that a client may have chosen, and what their columns hold."""
    chosen = [name for name in NAMES if name not in ("ended", "milliseconds", "user_id", "arguments")]
    return tuple((NAMES.index(name), _field(name).max_length or 0) for name in chosen)


def _field(name: str) -> Any:
    return Call._meta.get_field("user" if name == "user_id" else name)


@lru_cache(maxsize=8)
def _sql(alias: str) -> str:
    quote = connections[alias].ops.quote_name
    columns = ", ".join(quote(_field(name).column) for name in NAMES)
    places = ", ".join(["%s"] * len(NAMES))
    return f"INSERT INTO {quote(Call._meta.db_table)} ({columns}) VALUES ({places})"


@receiver(setting_changed)
def _forget(**kwargs: Any) -> None:
    for cached in (_prepared, _sql):
        cached.cache_clear()
