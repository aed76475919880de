"""Waiting for clients that read slowly, or not at all.

uvicorn's ``send`` waits while a connection's buffer is full. daphne's returns at once, so that what nobody reads would
pile up in the process. Twisted, below it, tells a registered producer when the buffer is full (above 64 KiB) and when
there is room again (``twisted.internet.interfaces.IPushProducer``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

Send = Callable[[dict[str, Any]], Awaitable[None]]


def patient(send: Send) -> Send:
    """Return a ``send`` that waits for the client: as it is, unless it is daphne's."""
    request = send.args[0] if isinstance(send, partial) and send.args else None
    return PatientSend(send, request) if hasattr(request, "registerProducer") else send


class PatientSend:
    """daphne's ``send``, and Twisted's producer for the same request. A part of a stream waits for the parts before it.

    Args:
        request: daphne's, a ``twisted.web.http.Request``.
    """

    __slots__ = ("_departed", "_registered", "_request", "_room", "_send")

    def __init__(self, send: Send, request: Any) -> None:
        self._send, self._request = send, request
        self._room: asyncio.Event | None = None
        """To wait for, while the buffer is full."""

        self._departed: Callable[[], None] | None = None
        self._registered = False

    def on_departure(self, departed: Callable[[], None] | None) -> bool:
        """Call back, in the loop, when the client of a stream that has begun leaves; ``None``: no more.

        Returns:
            Whether that will be. Else only daphne's ``receive`` tells.
        """
        self._departed = departed
        return self._registered and self._connected

    async def __call__(self, message: dict[str, Any]) -> None:
        if message.get("more_body"):
            if not self._registered:
                self._register()
            elif not self._connected and self._departed is not None:  # daphne has ended the response by itself
                self._departed()
            while self._room is not None:
                await self._room.wait()
        elif self._registered and self._request.producer is self:
            self._unregister()
        await self._send(message)

    def pauseProducing(self) -> None:
        """Wait from now on: the buffer is full."""
        if self._room is None:
            self._room = asyncio.Event()

    def resumeProducing(self) -> None:
        """Go on: there is room."""
        room, self._room = self._room, None
        if room is not None:
            room.set()

    def stopProducing(self) -> None:
        """Go on: the client has gone, and daphne throws away what is sent."""
        self.resumeProducing()
        if self._departed is not None:
            self._departed()

    @property
    def _connected(self) -> bool:
        return getattr(self._request, "channel", None) is not None

    def _register(self) -> None:
        self._registered = True
        if self._connected:  # else the client has gone
            self._request.registerProducer(self, True)  # noqa: FBT003 - Twisted's: one that pushes

    def _unregister(self) -> None:
        if self._connected:
            self._request.unregisterProducer()
