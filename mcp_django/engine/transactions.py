"""Which transactions are open around an author's function, by Django's own rules for views."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.db import connections, transaction

T = TypeVar("T")


def databases_of(fn: Callable[..., Any], *, atomic: bool | None = None) -> list[str]:
    """Return the aliases to open a transaction on.

    Args:
        atomic: ``True``: the default one; ``False``: none; ``None``: where ``ATOMIC_REQUESTS`` says so.
    """
    if atomic is True:
        return ["default"]
    if atomic is False:
        return []
    aliases = []
    for alias, config in connections.settings.items():
        if config["ATOMIC_REQUESTS"] and alias not in getattr(fn, "_non_atomic_requests", ()):
            aliases.append(alias)  # a comprehension costs more when there is nothing, as nearly always
    return aliases


_NO_TRANSACTION = nullcontext()


def atomic_on(databases: list[str]) -> AbstractContextManager[Any]:
    """Open a transaction on each of the databases, and return what ends them."""
    if not databases:
        return _NO_TRANSACTION
    with ExitStack() as stack:
        for alias in databases:
            stack.enter_context(transaction.atomic(using=alias))
        return stack.pop_all()


async def in_transactions(databases: list[str], make: Callable[[], Awaitable[T]]) -> T:
    """Await with transactions open on the thread where all of the ORM's work for this call is done."""
    stack = await sync_to_async(atomic_on)(databases)
    try:
        result = await make()
    except BaseException as error:
        await asyncio.shield(sync_to_async(stack.__exit__)(type(error), error, error.__traceback__))
        raise
    await sync_to_async(stack.__exit__)(None, None, None)
    return result
