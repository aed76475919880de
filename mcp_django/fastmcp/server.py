"""``FastMCP``: an ``MCPServer`` that is constructed, asked and run as SDK 1.30 did it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeVar, Unpack

from django.utils.text import slugify

from mcp_django.conf import get_settings
from mcp_django.exceptions import AlreadyRegistered, InvalidDeclaration
from mcp_django.fastmcp.arguments import (
    NAMES,
    FastMCPOptions,
    FastMCPSettings,
    FastMCPWarning,
    in_project,
    notices,
    read_arguments,
)
from mcp_django.fastmcp.asking import Asking
from mcp_django.fastmcp.declaring import hints, reader
from mcp_django.registry import Declaration, MCPServer
from mcp_django.registry.routes import RouteOptions

F = TypeVar("F", bound=Callable[..., Any])

Transport = Literal["stdio", "sse", "streamable-http"]

_GONE = {
    "_custom_starlette_routes": "routes are URLs of Django: declare them with mcp.custom_route",
    "_mcp_server": "declare with the decorators, ask with mcp.describe() and await mcp.list_tools()",
    "_prompt_manager": "count with mcp.describe(), list with await mcp.list_prompts()",
    "_resource_manager": "count with mcp.describe(), list with await mcp.list_resources()",
    "_tool_manager": "count with mcp.describe(), list with await mcp.list_tools(), and call mcp.disable or mcp.reload",
    "run_sse_async": "call mcp.run('sse'), outside of an event loop",
    "run_stdio_async": "call mcp.run('stdio'), outside of an event loop",
    "run_streamable_http_async": "call mcp.run('streamable-http'), outside of an event loop",
    "session_manager": "sessions are rows of the database, and nothing has to be started for them",
}


class FastMCP(Asking, MCPServer):
    """A server for code that was written for FastMCP.

    It answers at ``/mcp``, as FastMCP did, when it is the only one of its kind and nothing is declared on
    ``mcp_django.mcp``; else below that, at the slug of its name.

    Args:
        name: any text.
        auth_server_provider, event_store, retry_interval: do nothing here; a warning says what does.
        options: FastMCP's other arguments, and ``scopes=``, ``permissions=``... of ``MCPServer``.

    Raises:
        AlreadyRegistered: another server has this path.
        InvalidDeclaration: an option is unknown, or asks for what can't be served in this project.
    """

    _replaces_default = True

    def __init__(
        self,
        name: str | None = None,
        instructions: str | None = None,
        website_url: str | None = None,
        icons: Sequence[Any] | None = None,
        auth_server_provider: Any = None,
        token_verifier: Any = None,
        event_store: Any = None,
        retry_interval: int | None = None,
        *,
        tools: Sequence[Any] | None = None,
        **options: Unpack[FastMCPOptions],
    ) -> None:
        label = name or "FastMCP"
        given = read_arguments(options)
        self.settings = FastMCPSettings(**given)
        self.event_store = event_store
        path, slug = _path(label, self.settings.streamable_http_path), slugify(label) or "fastmcp"
        self._replaces_default = not path
        said = {"instructions": instructions or "", "website_url": website_url or "", "icons": icons or ()}
        super().__init__(slug, path=path or slug, **said, **_access(options, self.settings.auth))  # type: ignore[arg-type]
        self.name = label  # FastMCP took any text, and its code shows it
        registration = getattr(self.settings.auth, "client_registration_options", None)
        self.valid_scopes = tuple(getattr(registration, "valid_scopes", None) or ())
        self._refuse(token_verifier, tools, needs_auth=bool(self.settings.auth or auth_server_provider))
        others = {"auth_server_provider": auth_server_provider, "event_store": event_store}
        self._tell(given, {**others, "retry_interval": retry_interval})

    def _tell(self, given: Mapping[str, Any], others: Mapping[str, Any]) -> None:
        if in_project() and (said := notices(given, others)):
            text = f"FastMCP({self.name!r}) in {self.module} has arguments that do nothing here. {' '.join(said)}"
            warnings.warn(text, FastMCPWarning, stacklevel=3)

    def _refuse(self, token_verifier: Any, tools: Any, *, needs_auth: bool) -> None:
        """Refuse what would be less than was asked for. Raises ``InvalidDeclaration``."""
        where = f"FastMCP({self.name!r}) in {self.module}"
        if token_verifier is not None:
            raise InvalidDeclaration(
                f"{where}: token_verifier has no counterpart: the tokens of django-oauth-toolkit and API keys are "
                f"checked, and no others. Leave it out."
            )
        if tools:
            raise InvalidDeclaration(f"{where}: tools=[...] holds objects of the SDK: call mcp.add_tool(function).")
        if needs_auth and in_project() and get_settings().AUTH == "none":
            raise InvalidDeclaration(
                f"{where} asks that people sign in, and settings.MCP_DJANGO['AUTH'] is 'none': set it to 'required'."
            )

    def __getattr__(self, name: str) -> Any:
        text = f"{type(self).__name__!r} object has no attribute {name!r}"
        raise AttributeError(f"{text}: {_GONE[name]}." if name in _GONE else text)

    @property
    def dependencies(self) -> list[str]:
        """As it was given. What a Django project needs is installed with it."""
        return list(self.settings.dependencies)

    # Declaring

    def add(self, declaration: Declaration) -> None:
        """Add a component. As in FastMCP, the first of a name stays; a warning tells of the second."""
        try:
            super().add(declaration)
        except AlreadyRegistered as error:
            if getattr(self.settings, f"warn_on_duplicate_{declaration.kind}s", True):
                warnings.warn(f"{error} The first one stays.", FastMCPWarning, stacklevel=4)

    def tool(
        self,
        name: Any = None,
        title: str | None = None,
        description: str | None = None,
        annotations: Any = None,
        icons: Sequence[Any] | None = None,
        meta: Mapping[str, Any] | None = None,
        structured_output: bool | None = None,  # noqa: FBT001 - the signature that FastMCP's users know
        **options: Any,
    ) -> Any:
        """Declare a tool: ``MCPServer.tool`` with FastMCP's arguments in FastMCP's order.

        Args:
            annotations: the SDK's ``ToolAnnotations``, or a dict of its members.
        """
        named = {"title": title, "description": description, "structured_output": structured_output}
        options = {**hints(annotations), **options, **{key: each for key, each in named.items() if each is not None}}
        return super().tool(name, icons=icons or (), meta=meta or {}, **options)

    def add_tool(self, fn: Callable[..., Any], name: str | None = None, *args: Any, **options: Any) -> None:
        """Declare ``fn`` as a tool. After the name come FastMCP's arguments in FastMCP's order: see ``tool``."""
        if args or "annotations" in options:
            self.tool(name, *args, **options)(fn)
        else:
            super().add_tool(fn, name, **options)

    def prompt(
        self,
        name: Any = None,
        title: str | None = None,
        description: str | None = None,
        icons: Sequence[Any] | None = None,
        **options: Any,
    ) -> Any:
        """Declare a prompt: ``MCPServer.prompt`` with FastMCP's arguments in FastMCP's order."""
        return super().prompt(name, title=title, description=description, icons=icons or (), **options)

    def add_prompt(self, fn: Any, name: str | None = None, **options: Any) -> None:
        """Declare a prompt: a function, or the SDK's ``Prompt``."""
        if callable(getattr(fn, "fn", None)):
            named = {"name": fn.name, "title": fn.title, "description": fn.description, "icons": fn.icons or ()}
            return super().add_prompt(fn.fn, **(named | options))
        return super().add_prompt(fn, name, **options)

    def add_resource(self, uri: Any, fn: Any = None, name: str | None = None, **options: Any) -> None:
        """Declare a resource: a URI and a function, or one of the SDK's resources, such as ``TextResource``."""
        if isinstance(uri, str):
            return super().add_resource(uri, fn, name, **options)
        named = ("name", "title", "description", "mime_type", "icons", "annotations", "meta")
        said = {key: getattr(uri, key) for key in named if getattr(uri, key, None) is not None}
        return super().add_resource(str(uri.uri), reader(uri), **(said | options))

    def custom_route(
        self,
        path: str,
        methods: Iterable[str] | str = ("GET",),
        name: str | None = None,
        include_in_schema: bool = True,  # noqa: FBT001, FBT002 - the signature that FastMCP's users know
        **options: Unpack[RouteOptions],
    ) -> Callable[[F], F]:
        """Declare a route, as ``MCPServer`` does. A handler that doesn't say otherwise gets Starlette's request."""
        given: RouteOptions = {"starlette": True, **options}
        return super().custom_route(path, methods, name, include_in_schema, **given)

    # Serving

    def run(
        self,
        transport: Transport = "stdio",
        mount_path: str | None = None,
        *,
        host: str | None = None,
        port: int | None = None,
    ) -> None:
        """Serve until stopped: what ``manage.py runmcp`` serves in a project; in a bare script, this server alone.

        Args:
            mount_path: does nothing; the prefix is ``settings.MCP_DJANGO["PATH"]``.
            host, port: where to listen, in place of ``mcp.settings.host`` and ``.port``.

        Raises:
            ValueError: there is no such transport.
            ImproperlyConfigured: it may not be served like that; the text says what to do.
        """
        from mcp_django.fastmcp.standalone import run

        said = self.settings
        run(self, transport, replace(said, host=host or said.host, port=said.port if port is None else port))

    def streamable_http_app(self) -> Any:
        """Return an ASGI application of this server and its custom routes alone, at the paths that FastMCP gave them.

        For tests, and to be mounted in another application. It needs no lifespan.
        """
        from mcp_django.fastmcp.standalone import set_up

        set_up(self)
        from mcp_django.fastmcp.application import make_application

        return make_application(self)


def _access(options: Mapping[str, Any], auth: Any) -> dict[str, Any]:
    """Return what is asked of callers: the options that aren't FastMCP's, and the scopes that its ``auth`` requires."""
    access = {key: value for key, value in options.items() if key not in NAMES}
    required = getattr(auth, "required_scopes", None)
    return {"scopes": required, **access} if required else access


def _path(name: str, given: str) -> str:
    """Return the path of an endpoint below the prefix of all of them; empty: the prefix itself."""
    if not in_project():
        return ""  # a bare script serves it where it says
    path, prefix = given.strip("/"), get_settings().PATH
    if path == prefix:
        return ""
    if not path.startswith(f"{prefix}/"):
        raise InvalidDeclaration(
            f"FastMCP({name!r}) wants to be at {given!r}, and this project's endpoints are below '/{prefix}', which "
            f"settings.MCP_DJANGO['PATH'] says."
        )
    return path.removeprefix(f"{prefix}/")
