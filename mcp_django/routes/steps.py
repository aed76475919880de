"""What a decorator does around a view, written once for sync and async views.

It is a generator. It yields ``VIEW`` to have the view called, and gets what the view returns, or has raised into it
what the view raises. It yields any other function to have it called where it may block: for a sync view at once, for
an async one on the request's thread, where the ORM and the cache may be used. What it returns is the response.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import wraps
from typing import Any, Final, TypeVar, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest

Steps = Generator[Any, Any, Any]
View = TypeVar("View", bound=Callable[..., Any])

VIEW: Final = object()
"""Yielded by steps: call the view."""


def around(view: View, make: Callable[[HttpRequest], Steps]) -> View:
    """Return the view with steps around it, sync or async as it is itself.

    Args:
        make: returns the steps for one request: Django's, also where the view is a route's that takes Starlette's.
    """
    call = _async(view, make) if iscoroutinefunction(view) else _sync(view, make)
    wraps(view)(call)
    return cast("View", call)


def _sync(view: Callable[..., Any], make: Callable[[HttpRequest], Steps]) -> Callable[..., Any]:
    def call(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        steps = make(getattr(request, "_django", request))
        try:
            wanted = next(steps)
            while True:
                try:
                    given = view(request, *args, **kwargs) if wanted is VIEW else wanted()
                except BaseException as error:
                    wanted = steps.throw(error)
                else:
                    wanted = steps.send(given)
        except StopIteration as end:
            return end.value

    return call


def _async(view: Callable[..., Any], make: Callable[[HttpRequest], Steps]) -> Callable[..., Any]:
    async def call(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        steps = make(getattr(request, "_django", request))
        try:
            wanted = next(steps)
            while True:
                try:
                    given = await (view(request, *args, **kwargs) if wanted is VIEW else sync_to_async(wanted)())
                except BaseException as error:
                    wanted = steps.throw(error)
                else:
                    wanted = steps.send(given)
        except StopIteration as end:
            return end.value

    return markcoroutinefunction(call)
