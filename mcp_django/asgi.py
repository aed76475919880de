"""The project's ASGI application with the MCP endpoints in it."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from asgiref.sync import sync_to_async
from channels.routing import ProtocolTypeRouter
from django.apps import apps
from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured

from mcp_django.registry import refuse_shadow
from mcp_django.transports.slow_readers import patient

__all__ = ["get_mcp_application", "lifespan"]

logger = logging.getLogger(__name__)

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]
Handler = tuple[int, Callable[[int, Any], None], Any]

STOP_GRACE_SECONDS = 2
"""After SIGTERM, running calls may go on for this long. uvicorn would wait for them for ever."""


def get_mcp_application() -> ProtocolTypeRouter:
    """Return an ASGI application: the MCP endpoints go to their consumers, all else to Django.

    What Django's views stream waits for clients that read slowly, on daphne as well.

    Raises:
        ImproperlyConfigured: ``mcp_django`` is not in ``INSTALLED_APPS``, a file hides the SDK, or a declaration can't
            be served.
    """
    django_application: Any = get_asgi_application()

    async def patiently(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        await django_application(scope, receive, patient(send))

    if not apps.is_installed("mcp_django"):
        raise ImproperlyConfigured("Add 'mcp_django' to INSTALLED_APPS.")
    refuse_shadow()
    from mcp_django.routing import get_http_applications  # finds the declarations, which needs loaded apps

    return ProtocolTypeRouter({"http": by_path(get_http_applications(), patiently), "lifespan": lifespan})


def by_path(applications: Mapping[str, Application], other: Application) -> Application:
    """Route by the whole path, with or without a slash at its end: one look into a dict; a URLRouter tries patterns.

    Args:
        applications: by paths without slashes at their ends, below where the server mounts the project (``root_path``).
        other: what takes all other paths.
    """

    by_name = {f"/{path}{slash}": each for path, each in applications.items() for slash in ("", "/")}

    def route(scope: dict[str, Any], receive: Receive, send: Send) -> Awaitable[None]:
        path = scope["path"]
        if root := scope.get("root_path"):
            path = path.removeprefix(root) if path.startswith(root) else ""
        return by_name.get(path, other)(scope, receive, send)

    return route


async def lifespan(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Speak ASGI's lifespan with servers that do. Nothing depends on it: daphne doesn't."""
    from mcp_django.activity import flush
    from mcp_django.sessions.hub import close_hub
    from mcp_django.threads import close_pools

    handlers: list[Handler] = []
    while True:
        event = await receive()
        if event["type"] == "lifespan.startup":
            handlers = _stop_calls_on_sigterm()
            await send({"type": "lifespan.startup.complete"})
        else:
            for number, ours, before in handlers:
                if signal.getsignal(number) is ours:  # one that came later is not ours to take away
                    signal.signal(number, before)
            await close_hub()
            await sync_to_async(flush, thread_sensitive=False)()
            await sync_to_async(close_pools, thread_sensitive=False)()
            await send({"type": "lifespan.shutdown.complete"})
            return


def _stop_calls_on_sigterm() -> list[Handler]:
    """End long calls soon after SIGTERM or SIGINT, before the server's own handler waits for them."""
    if threading.current_thread() is not threading.main_thread():
        return []
    loop = asyncio.get_running_loop()
    handlers: list[Handler] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)
        if callable(before):
            ours = _before(before, loop)
            signal.signal(number, ours)
            handlers.append((number, ours, before))
    return handlers


def _before(handler: Callable[..., Any], loop: asyncio.AbstractEventLoop) -> Callable[[int, Any], None]:
    from mcp_django.transports.watch import stop_watched

    def handle(number: int, frame: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: there is nothing to stop
            loop.call_soon_threadsafe(loop.call_later, STOP_GRACE_SECONDS, stop_watched)
        handler(number, frame)

    return handle
