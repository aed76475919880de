"""One request under way, as every handler sees it, whatever transport brought it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from mcp_django.auth import ANONYMOUS, Principal
from mcp_django.sessions.connection import Connection, LogLevel, Transport

if TYPE_CHECKING:
    from mcp_django.engine.clock import Timed
    from mcp_django.engine.rights import Rights
    from mcp_django.engine.server import Engine

MODERN = "2026-07-28"
"""The revision without a handshake: every request carries its own envelope in ``_meta``."""

LOG_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
"""From least to most severe (RFC 5424 §6.2.1)."""

SEVERITY = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "notice": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "alert": logging.CRITICAL,
    "emergency": logging.CRITICAL,
}
"""The levels of Python's ``logging`` that stand for them."""

_LOG_LEVEL_KEY = "io.modelcontextprotocol/logLevel"


class NoWay(Exception):
    """The client can't be asked anything: it shook no hands, or can't be told from others."""


class Channel(Protocol):
    """The way back to the client while its request is under way."""

    async def notify(self, method: str, params: dict[str, Any]) -> None:
        """Send a notification that belongs to the request."""

    async def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Send a request to the client, and return its JSON-RPC response.

        Raises:
            NoWay: its answer would find no way back.
        """

    async def hang_up(self, retry_seconds: float) -> None:
        """Let a client that can come back for the rest of the answer do so; any other stays."""


@dataclass(slots=True, eq=False, repr=False)
class Exchange:
    """One request: what is asked, in which revision, by whom, and the way back."""

    engine: Engine
    method: str
    params: Mapping[str, Any] | None
    request_id: int | str
    version: str
    """The protocol revision that the request is served in."""

    transport: Transport
    principal: Principal = ANONYMOUS
    channel: Channel | None = None
    """``None``: the client can't be spoken to before the answer."""

    headers: Mapping[str, str] | None = None
    """HTTP headers, names in lower case. ``None``: the transport has none."""

    scope: Mapping[str, Any] | None = None
    """The ASGI scope of the HTTP request. ``None``: the transport has none."""

    client_info: Any = None
    """As the client gave it: an unverified claim."""

    client_capabilities: Any = None
    connection: Connection | None = None
    """What is remembered of a handshake client. ``None``: nothing, or a client that shakes no hands."""

    answers: dict[str, Any] = field(default_factory=dict)
    """What the client has answered to questions of this call so far, by their keys (2026-07-28)."""

    parent: Exchange | None = None
    """The exchange whose function reads a resource in this one."""

    rights: Rights | None = None
    """What its user may do, as far as it has been read."""

    component: str = field(default="", init=False)
    """Name of the component at work, for the log."""

    key: str = field(default="", init=False)
    """URI of the resource at work as it is declared, for the record. Empty: the name is the key."""

    failure: str = field(default="", init=False)
    """Why it was refused, or what a function raised, in a word, for the record."""

    timed: Timed | None = field(default=None, init=False)
    """What a clock looks at already for as long as this is answered, in the same task. No other exchange has it."""

    _cancelled: bool = field(default=False, init=False)
    _over: bool = field(default=False, init=False)
    _questions: int = field(default=0, init=False)

    @property
    def cancelled(self) -> bool:
        """The client left, or the time is up. Sync code has to look: no thread can be stopped from outside."""
        return self._cancelled or (self.parent is not None and self.parent.cancelled)

    @property
    def over(self) -> bool:
        """It has been answered, or the one for which it reads."""
        return self._over or (self.parent is not None and self.parent.over)

    def next_question(self) -> int:
        """Number the questions of a call, those of the resources that it reads among them."""
        if self.parent is not None:
            return self.parent.next_question()
        self._questions += 1
        return self._questions

    def close(self) -> None:
        """Note that it has been answered: a task that the call left behind speaks to nobody."""
        self._over = True

    def cancel(self) -> None:
        """Note that nobody waits for the answer any more."""
        self._cancelled = True

    def let_go(self) -> None:
        """Forget what was asked: an answer that stays open for hours holds as little as it can."""
        self.params = None
        if isinstance(self.headers, dict):
            self.headers.clear()

    @property
    def modern(self) -> bool:
        """Whether the request is of the revision without a handshake."""
        return self.version == MODERN

    @property
    def meta(self) -> Mapping[str, Any]:
        """The request's ``_meta``."""
        meta = self.params.get("_meta") if self.params else None
        return meta if isinstance(meta, Mapping) else {}

    @property
    def progress_token(self) -> int | str | None:
        """What the client wants progress to be labelled with. ``None``: it wants none."""
        token = self.meta.get("progressToken")
        return token if isinstance(token, str | int) and not isinstance(token, bool) else None

    @property
    def log_level(self) -> LogLevel | None:
        """The least severe log message that this client takes; ``None``: none at all.

        2026-07-28 sends log messages to a request that asks for them, and to no other (server/utilities/logging).
        """
        if not self.modern:
            return self.connection.log_level if self.connection else "info"
        level = self.meta.get(_LOG_LEVEL_KEY)
        return level if level in LOG_LEVELS else None

    async def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Send a handshake client a request, and return its JSON-RPC response. Raises ``NoWay``."""
        if self.channel is None or self.connection is None or self.over or self.cancelled:
            raise NoWay
        return await self.channel.ask(method, params)

    async def notify(self, method: str, params: dict[str, Any]) -> None:
        """Send the client a notification that belongs to this request, when there is a way."""
        if self.channel is not None and not self.over and not self.cancelled:
            await self.channel.notify(method, params)

    async def hang_up(self, retry_seconds: float) -> None:
        """End the connection, if the client can come back for the answer."""
        if self.channel is not None and not self.over and not self.cancelled:
            await self.channel.hang_up(retry_seconds)
