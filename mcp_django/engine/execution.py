"""Running the author's function: in place when it is async, in a thread when it is not, with Django's rules in both."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

from asgiref.sync import async_to_sync
from django.db import transaction
from django.db.models import Model, QuerySet
from django.db.models.manager import BaseManager

from mcp_django.conf import get_settings
from mcp_django.engine.at_work import AtWork
from mcp_django.engine.content import Media, Progress
from mcp_django.engine.context import Context
from mcp_django.engine.exchange import Exchange
from mcp_django.engine.rounds import InputRequired
from mcp_django.engine.transactions import atomic_on, databases_of, in_transactions
from mcp_django.lanes import on_thread, to_lane

T = TypeVar("T")

Flavour = Literal["sync", "async", "generator", "async generator"]


_ON_A_THREAD = ("sync", "generator")


class Escaped(RuntimeError):
    """The function raised what would have ended more than itself: ``SystemExit``, ``StopIteration``, a cancellation."""


class TimedOut(Exception):
    """The function ran longer than it may."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"took longer than {seconds:g} seconds")
        self.seconds = seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """How to call one function.

    ``finish`` makes the wire form of what the function returned. It runs where the function ran, inside its
    transaction, so a lazy QuerySet is evaluated where the ORM may be used.
    """

    fn: Callable[..., Any]
    flavour: Flavour
    context_parameters: tuple[str, ...]
    finish: Callable[[Any], Any]
    timeout: float | None
    """Seconds. ``None``: ``TOOL_TIMEOUT_SECONDS``; 0: no limit."""

    atomic: bool | None

    async def run(self, arguments: dict[str, Any], exchange: Exchange) -> Any:
        """Call the function and finish its result.

        Raises:
            TimedOut: it took too long. An async function is cancelled; a thread goes on and sees ``ctx.cancelled``.
            Exception: whatever the function raises.
        """
        seconds = get_settings().TOOL_TIMEOUT_SECONDS if self.timeout is None else self.timeout
        if self.context_parameters:
            arguments |= dict.fromkeys(self.context_parameters, Context(exchange))
        is_async = self.flavour not in _ON_A_THREAD
        work = AtWork(seconds, exchange, is_async)
        try:
            with work:
                if not is_async:
                    result = await on_thread(self._call_sync, arguments, exchange)
                elif databases := databases_of(self.fn, atomic=self.atomic):
                    result = await in_transactions(databases, partial(self._call_async, arguments, exchange))
                else:
                    result = await self._call_async(arguments, exchange)
                if exchange.cancelled:  # asgiref loses a cancellation that meets the end of an async_to_sync
                    raise asyncio.CancelledError
                return result
        except BaseException as error:
            if not _may_pass(error, work, exchange):
                raise _raised(error, work) from error
            if isinstance(error, asyncio.CancelledError):
                exchange.cancel()
            raise

    def _call_sync(self, arguments: dict[str, Any], exchange: Exchange) -> Any:
        databases = databases_of(self.fn, atomic=self.atomic)
        try:
            with atomic_on(databases):
                result = self.fn(**arguments)
                if self.flavour == "generator":
                    result = _drain(result, Context(exchange))
                elif inspect.isawaitable(result):  # an async function behind a sync decorator
                    result = async_to_sync(_wait_for)(result)
                finished = self.finish(result)
                _give_up(databases, exchange)
                return finished
        except StopIteration as error:  # which no future can hold: the call would never end
            raise Escaped("The function raised StopIteration.") from error

    async def _call_async(self, arguments: dict[str, Any], exchange: Exchange) -> Any:
        result = self.fn(**arguments)
        if self.flavour == "async generator":
            result = _drain_async(result, Context(exchange))
        result = await result
        if blocks(result):
            return await to_lane(self.finish, (result,))
        return self.finish(result)


def _may_pass(error: BaseException, work: AtWork, exchange: Exchange) -> bool:
    """Whether a call may end with this. ``SystemExit`` and its like would end the loop, and with it everybody's."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return exchange.cancelled or (task is not None and task.cancelling() > 0)
    if isinstance(error, TimeoutError):
        return not work.expired
    return isinstance(error, Exception | InputRequired | BaseExceptionGroup | KeyboardInterrupt)


def _raised(error: BaseException, work: AtWork) -> Exception:
    if isinstance(error, TimeoutError):
        return TimedOut(work.seconds)
    if isinstance(error, asyncio.CancelledError):
        return Escaped("The function waited for something that was cancelled.")
    return Escaped(f"The function raised {type(error).__name__}.")


def flavour_of(fn: Callable[..., Any]) -> Flavour:
    """Tell how a function is called, seeing through ``functools.partial`` and callable objects."""
    while isinstance(fn, partial):
        fn = fn.func
    if not inspect.isroutine(fn) and callable(fn):
        fn = type(fn).__call__
    if inspect.isasyncgenfunction(fn):
        return "async generator"
    if inspect.iscoroutinefunction(fn):
        return "async"
    return "generator" if inspect.isgeneratorfunction(fn) else "sync"


_PLAIN = frozenset({str, int, float, bool, bytes, type(None)})
_CONTAINERS = (list, tuple, set)
_LAZY = (BaseManager, Model, QuerySet)


def blocks(result: Any) -> bool:
    """Whether making the wire form of a result reads the database or a file, which must not happen on the loop."""
    if type(result) in _PLAIN:
        return False
    if isinstance(result, _CONTAINERS):
        return any(map(blocks, result))
    if isinstance(result, dict):
        return any(map(blocks, result.values()))
    return isinstance(result, _LAZY) or (isinstance(result, Media) and bool(result.path))


def _give_up(databases: list[str], exchange: Exchange) -> None:
    """Roll back what a call did of which the client has already been told that it failed."""
    if exchange.cancelled:
        for alias in databases:
            transaction.set_rollback(True, using=alias)


async def _wait_for(awaitable: Awaitable[T]) -> T:
    return await awaitable


def _drain(steps: Generator[Any, None, Any], context: Context) -> Any:
    """Send the progress that a generator yields, and return its result: what it returns, or yields last."""
    result = None
    try:
        while not context.cancelled:
            step = next(steps)
            if isinstance(step, Progress):
                context.report_progress_sync(step.progress, step.total, step.message)
            else:
                result = step
    except StopIteration as stop:
        return result if stop.value is None else stop.value
    finally:
        steps.close()
    return None  # nobody waits for it any more


async def _drain_async(steps: AsyncGenerator[Any, None], context: Context) -> Any:
    result = None
    try:
        async for step in steps:
            if isinstance(step, Progress):
                await context.report_progress(step.progress, step.total, step.message)
            else:
                result = step
    finally:
        await steps.aclose()
    return result
