from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connections
from django.db.models import QuerySet

from mcp_django.lanes import Lane
from mcp_django.reads import leaves_nothing
from mcp_django.threads import Pool

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("living_connections")]


class Users(QuerySet[User]):
    """One whose author has a way of their own to read."""

    def get(self, *args: Any, **kwargs: Any) -> User:
        return super().get(*args, **kwargs)


users = User.objects.all


async def _read_all() -> list[User]:
    return [user async for user in users()]


async def _iterate() -> list[User]:
    return [user async for user in users().aiterator()]


READS: dict[str, Callable[[], Awaitable[Any]]] = {
    "async for": _read_all,
    "aaggregate": lambda: users().aaggregate(),
    "acontains": lambda: users().acontains(User(pk=1)),
    "acount": lambda: users().acount(),
    "aearliest": lambda: users().aearliest("pk"),
    "aexists": lambda: users().aexists(),
    "afirst": lambda: users().afirst(),
    "aget": lambda: User.objects.aget(pk=1),
    "ain_bulk": lambda: users().ain_bulk([1]),
    "alast": lambda: users().alast(),
    "alatest": lambda: users().alatest("pk"),
    "aget of a QuerySet with nothing of its own": lambda: type("Same", (QuerySet,), {})(User).aget(pk=1),
    "sync_to_async(get)": lambda: sync_to_async(users().get)(pk=1),
}

OTHERS: dict[str, Callable[[], Awaitable[Any]]] = {
    "acreate": lambda: User.objects.acreate(username="ada"),
    "abulk_create": lambda: users().abulk_create([User(username="ada")]),
    "adelete": lambda: users().adelete(),
    "aget_or_create": lambda: users().aget_or_create(username="ada"),
    "aiterator, which keeps a cursor": _iterate,
    "asave": lambda: User(username="ada").asave(),
    "aupdate": lambda: users().aupdate(username="ada"),
    "aexplain, which may do what it explains": lambda: users().aexplain(),
    "arefresh_from_db, which an author may override": lambda: User(pk=1).arefresh_from_db(),
    "SQL of the author's": lambda: sync_to_async(users().raw("SELECT 1 AS id")._fetch_all)(),
    "a QuerySet with a way of its own": lambda: Users(User).aget(pk=1),
    "a function": lambda: sync_to_async(lambda: None)(),
    "a function of a module": lambda: sync_to_async(len)([]),
    "a bound method of something else": lambda: sync_to_async([].clear)(),
    "a partial": lambda: sync_to_async(partial(users().get, pk=1))(),
}


class Asked(Lane):
    """Takes down what asgiref asks it to run, and never runs it."""

    fn: Any = None

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        self.fn = fn
        raise LookupError("not run")


async def _asked(make: Callable[[], Awaitable[Any]]) -> Any:
    """Return what asgiref gives to the lane of the call."""
    with Asked(Pool(1)) as asked:
        with pytest.raises(LookupError, match="not run"):
            await make()
        return asked.fn


@pytest.mark.parametrize("name", READS)
async def test_what_django_reads_for_a_queryset_leaves_nothing(name: str) -> None:
    assert leaves_nothing(await _asked(READS[name]))


@pytest.mark.parametrize("name", OTHERS)
async def test_all_else_may_leave_something(name: str) -> None:
    assert not leaves_nothing(await _asked(OTHERS[name]))


@pytest.mark.parametrize(("setting", "value"), [("CONN_MAX_AGE", 0), ("AUTOCOMMIT", False)])
async def test_so_may_a_read_of_a_database_whose_connections_end_with_a_call_or_stay_in_a_transaction(
    monkeypatch: pytest.MonkeyPatch, setting: str, value: object
) -> None:
    monkeypatch.setitem(connections.settings["default"], setting, value)
    assert not leaves_nothing(await _asked(READS["aget"]))


async def test_with_health_checks_only_the_first_read_needs_no_thread_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(connections.settings["default"], "CONN_HEALTH_CHECKS", True)
    assert leaves_nothing(await _asked(READS["aget"]))
    assert not leaves_nothing(await _asked(READS["aget"]), again=True)


async def test_without_them_each_read_is_as_the_first() -> None:
    assert leaves_nothing(await _asked(READS["aget"]), again=True)


async def test_connections_that_live_for_ever_live_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", None)
    assert leaves_nothing(await _asked(READS["aget"]))


@pytest.mark.parametrize("fn", [len, partial(len), partial(partial(len)), None, partial(print, "x")])
def test_what_asgiref_would_not_give_is_no_read(fn: object) -> None:
    assert not leaves_nothing(fn)
