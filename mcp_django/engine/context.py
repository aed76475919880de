"""``Context``: what a tool, resource or prompt knows of the request, and how it speaks to the client meanwhile."""

from __future__ import annotations

import logging
from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from asgiref.sync import async_to_sync

from mcp_django.auth.access_token import AccessToken, access_token_of
from mcp_django.engine.exchange import LOG_LEVELS, SEVERITY, Exchange
from mcp_django.engine.ported import CREDENTIALS, PortedContext

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser, AnonymousUser
    from pydantic import BaseModel

    from mcp_django.engine.resources import ResourceContent
    from mcp_django.sessions.connection import LogLevel

T = TypeVar("T")


class Context(PortedContext):
    """One per call, handed to the parameter that is annotated with it, whatever that is called.

    What speaks to the client is a coroutine; sync code calls its twin with ``_sync`` at the end of the name.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    # Who asks, and how

    @property
    def user(self) -> AbstractUser | AnonymousUser:
        """The Django user on whose behalf this runs."""
        return self._exchange.principal.user  # type: ignore[return-value]

    @property
    def client_id(self) -> str | None:
        """The OAuth client or API key that acts for the user; ``None`` when nobody signed in, and over stdio."""
        return self._exchange.principal.client_id

    @property
    def access_token(self) -> AccessToken | None:
        """What may be known of the token, which is all but the token itself; ``None`` when the call came without."""
        return access_token_of(self._exchange.principal)

    @property
    def client_info(self) -> Mapping[str, Any] | None:
        """Name and version that the client gives itself: a claim, never an identity."""
        info = self._exchange.client_info
        return info if isinstance(info, Mapping) else None

    @property
    def client_capabilities(self) -> Mapping[str, Any]:
        """What the client says it can do, as in the specification's ``ClientCapabilities``."""
        capabilities = self._exchange.client_capabilities
        return capabilities if isinstance(capabilities, Mapping) else {}

    @property
    def request_id(self) -> str:
        """The JSON-RPC id of the request."""
        return str(self._exchange.request_id)

    @property
    def protocol_version(self) -> str:
        """The protocol revision that this request is served in, such as ``"2026-07-28"``."""
        return self._exchange.version

    @property
    def transport(self) -> str:
        """``"streamable-http"`` or ``"stdio"``."""
        return self._exchange.transport

    @property
    def headers(self) -> Mapping[str, str]:
        """The HTTP headers, names in lower case; empty over stdio. What a client sends, so never an identity.

        Those that carry a credential are left out: no function holds one.
        """
        headers = self._exchange.headers or {}
        return {name: value for name, value in headers.items() if name not in CREDENTIALS}

    @property
    def meta(self) -> Mapping[str, Any]:
        """The request's ``_meta``."""
        return self._exchange.meta

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the result any more. Long sync code should look now and then, and stop."""
        return self._exchange.cancelled

    # Speaking to the client

    async def report_progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        """Tell a client that asked for it how far the work is. ``progress`` must grow from call to call."""
        token = self._exchange.progress_token
        if token is None:
            return
        params = {"progressToken": token, "progress": progress, "total": total, "message": message}
        await self._exchange.notify(
            "notifications/progress", {key: value for key, value in params.items() if value is not None}
        )

    async def log(self, level: LogLevel, data: Any, *, logger_name: str | None = None) -> None:
        """Write to the log ``mcp_django.<component>``, and to the client if its revision and its level let it.

        Args:
            data: a string, or anything that JSON can hold.
            logger_name: what the client is told the logger's name is.
        """
        exchange = self._exchange
        logging.getLogger(f"mcp_django.{exchange.component}").log(SEVERITY[level], "%s", data)
        least = exchange.log_level
        if least is not None and LOG_LEVELS.index(level) >= LOG_LEVELS.index(least):
            params = {"level": level, "data": data}
            await exchange.notify(
                "notifications/message", params if logger_name is None else {**params, "logger": logger_name}
            )

    async def debug(self, data: Any, *, logger_name: str | None = None) -> None:
        """Log at ``debug``: see ``log``."""
        await self.log("debug", data, logger_name=logger_name)

    async def info(self, data: Any, *, logger_name: str | None = None) -> None:
        """Log at ``info``: see ``log``."""
        await self.log("info", data, logger_name=logger_name)

    async def warning(self, data: Any, *, logger_name: str | None = None) -> None:
        """Log at ``warning``: see ``log``."""
        await self.log("warning", data, logger_name=logger_name)

    async def error(self, data: Any, *, logger_name: str | None = None) -> None:
        """Log at ``error``: see ``log``."""
        await self.log("error", data, logger_name=logger_name)

    async def close_sse_stream(self, retry_seconds: float = 1) -> None:
        """Let the client hang up and come back after ``retry_seconds`` for what it missed (2025-11-25, SSE polling).

        Does nothing for a client that can't: it needs a session, and the setting ``EVENT_LOG``.
        """
        await self._exchange.hang_up(retry_seconds)

    async def read_resource(self, uri: str) -> list[ResourceContent]:
        """Read a resource of this server, with the caller's own rights.

        Raises:
            ResourceError: nothing is at this URI, or what is there raised it.
        """
        return await self._exchange.engine.read_resource(str(uri), self._exchange)

    def _wait_for(self, fn: Callable[..., Awaitable[T]], *args: Any, **kwargs: Any) -> T:
        try:
            return async_to_sync(fn)(*args, **kwargs)
        except CancelledError:  # asgiref hands it to the thread first: the one who waits for the thread can't tell it
            self._exchange.cancel()
            raise

    # Asking the client

    def supports(self, capability: str) -> bool:
        """Whether the client offers ``"elicitation"``, ``"sampling"`` or ``"roots"``."""
        return capability in self.client_capabilities

    async def elicit(self, message: str, schema: type[BaseModel] | Mapping[str, Any], *, key: str = "") -> Any:
        """Ask the person for some values.

        A client of 2026-07-28 gets the question as the call's result and calls again with the answer: the function then
        runs from its beginning, and this returns at once. What comes before it should therefore do nothing twice.

        Args:
            schema: a flat pydantic model of strings, numbers, booleans and enums, or a JSON Schema of such an object.
            key: names the question across rounds. Empty: its place among the questions of this call.

        Returns:
            The SDK's ``AcceptedElicitation`` (``.data``: the model, or a dict), ``DeclinedElicitation`` or
            ``CancelledElicitation``; each has an ``action``.

        Raises:
            ToolError, MCPError: the client can't be asked.
        """
        from mcp.server.mcpserver import Elicit

        return await self._ask_one(Elicit(message, schema), key, "elicitation")  # type: ignore[arg-type]

    async def elicit_url(self, message: str, url: str, elicitation_id: str, *, key: str = "") -> Any:
        """Ask the person to visit a page, where they enter what the client should not see. Returns as ``elicit``."""
        from mcp_django.engine.questions import ElicitURL

        return await self._ask_one(ElicitURL(message, url, elicitation_id), key, "elicitation")

    async def sample(self, prompt: Any, *, max_tokens: int, key: str = "", **options: Any) -> Any:
        """Ask the client's model.

        Args:
            prompt: a string, or a list of the SDK's ``SamplingMessage``.
            max_tokens: most tokens of the answer.
            options: what else the SDK's ``Sample`` takes: ``system_prompt``, ``temperature``, ``stop_sequences``...

        Returns:
            The SDK's ``CreateMessageResult``.
        """
        from mcp.server.mcpserver import Sample
        from mcp_types import SamplingMessage, TextContent

        if isinstance(prompt, str):
            prompt = [SamplingMessage(role="user", content=TextContent(type="text", text=prompt))]
        return await self._ask_one(Sample(prompt, max_tokens=max_tokens, **options), key, "sampling")

    async def list_roots(self, *, key: str = "") -> list[Any]:
        """Ask the client for the folders it works in: a list of the SDK's ``Root``."""
        from mcp.server.mcpserver import ListRoots

        return list((await self._ask_one(ListRoots(), key, "roots")).roots)

    async def ping(self) -> None:
        """Wait until a handshake client says that it is there. Raises ``ToolError``; 2026-07-28 has no such request."""
        from mcp_django.engine.questions import ping

        await ping(self._exchange)

    async def ask(self, questions: Mapping[str, Any]) -> dict[str, Any]:
        """Ask several questions at once, and return the answers by their keys.

        Args:
            questions: the SDK's ``Elicit``, ``Sample`` and ``ListRoots``, by keys of your own.
        """
        from mcp_django.engine.questions import ask

        return await ask(self._exchange, questions)

    async def _ask_one(self, question: Any, key: str, kind: str) -> Any:
        number = self._exchange.next_question()
        key = key or f"{kind}_{number}"
        return (await self.ask({key: question}))[key]

    def elicit_url_sync(self, message: str, url: str, elicitation_id: str, *, key: str = "") -> Any:
        """``elicit_url`` for sync code."""
        return self._wait_for(self.elicit_url, message, url, elicitation_id, key=key)

    def sample_sync(self, prompt: Any, *, max_tokens: int, key: str = "", **options: Any) -> Any:
        """``sample`` for sync code."""
        return self._wait_for(self.sample, prompt, max_tokens=max_tokens, key=key, **options)

    def list_roots_sync(self, *, key: str = "") -> list[Any]:
        """``list_roots`` for sync code."""
        return self._wait_for(self.list_roots, key=key)

    def ask_sync(self, questions: Mapping[str, Any]) -> dict[str, Any]:
        """``ask`` for sync code."""
        return self._wait_for(self.ask, questions)

    def ping_sync(self) -> None:
        """``ping`` for sync code."""
        self._wait_for(self.ping)

    def elicit_sync(self, message: str, schema: type[BaseModel] | Mapping[str, Any], *, key: str = "") -> Any:
        """``elicit`` for sync code."""
        return self._wait_for(self.elicit, message, schema, key=key)

    # The same from sync code

    def report_progress_sync(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        """``report_progress`` for sync code."""
        if self._exchange.progress_token is not None:
            self._wait_for(self.report_progress, progress, total, message)

    def log_sync(self, level: LogLevel, data: Any, *, logger_name: str | None = None) -> None:
        """``log`` for sync code."""
        self._wait_for(self.log, level, data, logger_name=logger_name)

    def debug_sync(self, data: Any, *, logger_name: str | None = None) -> None:
        """``debug`` for sync code."""
        self.log_sync("debug", data, logger_name=logger_name)

    def info_sync(self, data: Any, *, logger_name: str | None = None) -> None:
        """``info`` for sync code."""
        self.log_sync("info", data, logger_name=logger_name)

    def warning_sync(self, data: Any, *, logger_name: str | None = None) -> None:
        """``warning`` for sync code."""
        self.log_sync("warning", data, logger_name=logger_name)

    def error_sync(self, data: Any, *, logger_name: str | None = None) -> None:
        """``error`` for sync code."""
        self.log_sync("error", data, logger_name=logger_name)

    def close_sse_stream_sync(self, retry_seconds: float = 1) -> None:
        """``close_sse_stream`` for sync code."""
        self._wait_for(self.close_sse_stream, retry_seconds)

    def read_resource_sync(self, uri: str) -> list[ResourceContent]:
        """``read_resource`` for sync code."""
        return self._wait_for(self.read_resource, uri)
