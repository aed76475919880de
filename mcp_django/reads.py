"""Which sync code leaves nothing behind on its thread: what Django's own ``QuerySet`` methods read.

An async call keeps a thread because a transaction, a cursor or a thread-local of one piece of its sync code may be what
a later piece relies on. A read that is over leaves none of these, so until there is more, the call needs no thread.
docs/decisions/0026 has the reasons.
"""

from __future__ import annotations

from functools import partial
from types import MethodType
from typing import Any

from asgiref.sync import SyncToAsync
from django.db import connections
from django.db.models import QuerySet

_READS = frozenset(
    {
        QuerySet._fetch_all,
        QuerySet.aggregate,
        QuerySet.contains,
        QuerySet.count,
        QuerySet.earliest,
        QuerySet.exists,
        QuerySet.first,
        QuerySet.get,
        QuerySet.in_bulk,
        QuerySet.last,
        QuerySet.latest,
    }
)
"""What ``async for`` and the methods with an ``a`` before them call. An author's override of one isn't among them."""


def leaves_nothing(fn: Any, *, again: bool = False) -> bool:
    """Whether a piece of sync code, as asgiref gives it to an executor, leaves nothing on its thread.

    Only where connections live on: with ``CONN_MAX_AGE`` 0 each read would connect anew, and without ``AUTOCOMMIT`` it
    leaves a transaction open.

    Args:
        again: whether the call has read before. With ``CONN_HEALTH_CHECKS`` a thread is worth more then: a connection
            is checked once for as long as the call keeps it.
    """
    handler = fn.func if isinstance(fn, partial) else None
    asked = getattr(handler, "__self__", None)
    method = asked.func if isinstance(asked, SyncToAsync) else None
    if not isinstance(method, MethodType) or not isinstance(method.__self__, QuerySet):
        return False
    return method.__func__ in _READS and all(_lives_on(database, again) for database in connections.settings.values())


def _lives_on(database: dict[str, Any], again: bool) -> bool:  # noqa: FBT001
    checked = again and database["CONN_HEALTH_CHECKS"]
    return database["CONN_MAX_AGE"] != 0 and database["AUTOCOMMIT"] and not checked
