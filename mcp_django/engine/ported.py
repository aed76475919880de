"""What code written for FastMCP or for the SDK expects of a ``Context`` beside its own names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp_django.engine.context import Context
    from mcp_django.engine.exchange import Exchange
    from mcp_django.registry import MCPServer

CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})
"""Headers that no function is shown."""


class PortedContext:
    """The names of the SDK's ``Context``, which lead to ours."""

    _exchange: Exchange

    def __class_getitem__(cls, item: Any) -> type:
        """``Context[ServerSession, None]``, as the SDK's is written, is ``Context``."""
        return cls

    @property
    def fastmcp(self) -> MCPServer:
        """The server whose function this is."""
        return self._exchange.engine.declared

    @property
    def session(self) -> PortedSession:
        """What the SDK's ``ServerSession`` says to the client, said with this ``Context``."""
        return PortedSession(self)  # type: ignore[arg-type]

    @property
    def request_context(self) -> SimpleNamespace:
        """The SDK's ``RequestContext``: ``request_id``, ``meta``, ``session`` and ``request``.

        ``request`` is a Starlette ``Request`` without its body and without headers that carry a credential; ``None``
        over stdio.
        """
        exchange = self._exchange
        return SimpleNamespace(
            request_id=exchange.request_id,
            meta=SimpleNamespace(**{**exchange.meta, "progressToken": exchange.progress_token}),
            session=self.session,
            request=_request(exchange.scope),
        )


class PortedSession:
    """``ctx.session``: what of the SDK's ``ServerSession`` there is."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"ctx.session has no {name!r} here: ask the client with ctx.elicit, ctx.sample and ctx.list_roots; "
            f"ctx.client_info, ctx.supports and ctx.protocol_version tell what it is."
        )

    async def send_log_message(self, level: Any, data: Any, logger: str | None = None, **ignored: Any) -> None:
        """Do as ``ctx.log``."""
        await self._context.log(level, data, logger_name=logger)

    async def send_progress_notification(
        self,
        progress_token: Any,
        progress: float,
        total: float | None = None,
        message: str | None = None,
        **ignored: Any,
    ) -> None:
        """Do as ``ctx.report_progress``: the token is that of the request."""
        await self._context.report_progress(progress, total, message)

    async def send_resource_updated(self, uri: Any) -> None:
        """Tell whoever has subscribed to ``uri`` that what is there changed."""
        self._context.fastmcp.notify_resource_updated(str(uri))

    async def send_tool_list_changed(self) -> None:
        """Tell clients to fetch the list of tools again."""
        self._context.fastmcp.notify_tools_changed()

    async def send_resource_list_changed(self) -> None:
        """Tell clients to fetch the lists of resources and templates again."""
        self._context.fastmcp.notify_resources_changed()

    async def send_prompt_list_changed(self) -> None:
        """Tell clients to fetch the list of prompts again."""
        self._context.fastmcp.notify_prompts_changed()

    async def create_message(self, messages: Sequence[Any], *, max_tokens: int, **options: Any) -> Any:
        """Do as ``ctx.sample``."""
        said = {key: value for key, value in options.items() if value is not None and key != "related_request_id"}
        return await self._context.sample(list(messages), max_tokens=max_tokens, **said)

    async def list_roots(self) -> Any:
        """Do as ``ctx.list_roots``; the result has ``roots``."""
        return SimpleNamespace(roots=await self._context.list_roots())

    async def send_ping(self) -> None:
        """Do as ``ctx.ping``."""
        await self._context.ping()


def _request(scope: Mapping[str, Any] | None) -> Any:
    if scope is None:
        return None
    from starlette.requests import Request

    headers = [(name, value) for name, value in scope["headers"] if name.decode("latin-1") not in CREDENTIALS]
    return Request({**scope, "headers": headers})
