"""``MCPServer``: where an ``mcp.py`` declares its components."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import RLock
from typing import Any, TypeVar, Unpack, overload

from django.utils.text import slugify

from mcp_django.exceptions import AlreadyRegistered, InvalidDeclaration, NotRegistered
from mcp_django.registry.access import AccessDefaults, AccessOptions
from mcp_django.registry.declarations import (
    NAME,
    CompletionDeclaration,
    Declaration,
    Kind,
    PromptDeclaration,
    ResourceDeclaration,
    ToolDeclaration,
    check_parameters,
    declare,
    declaring_module,
    decorate,
)
from mcp_django.registry.routes import Routes
from mcp_django.registry.switches import Switches

F = TypeVar("F", bound=Callable[..., Any])

_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")
_RESERVED_PATHS = ("sse", "messages")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")  # RFC 3986 §3.1


class MCPServer(Switches, Routes, AccessDefaults):
    """One MCP server: an endpoint and the components behind it.

    Args:
        name: as clients see it; 1 to 128 letters, digits, ``_``, ``.`` or ``-``.
        path: the endpoint, below the prefix that ``settings.MCP_DJANGO["PATH"]`` names. ``None``: the name's slug.
        title, description, instructions, version, website_url, icons: what the server says of itself.
        access: what its components ask of callers, unless they say otherwise. For ``mcp``, set its attributes.

    Raises:
        AlreadyRegistered: another server has this path.
        InvalidDeclaration: the name, the path or an option holds something that may not be in it.
    """

    _replaces_default = False
    """Whether it takes the default server's place, if it is the only one that would and nothing is declared there."""

    _successor: MCPServer | None = None
    """What has taken the default server's place."""

    def __init__(
        self,
        name: str,
        *,
        path: str | None = None,
        title: str = "",
        description: str = "",
        instructions: str = "",
        version: str = "",
        website_url: str = "",
        icons: Sequence[Any] = (),
        **access: Unpack[AccessOptions],
    ) -> None:
        self.name = name
        self.path = slugify(name) if path is None else path
        _check_names(name, self.path)
        self.title, self.description, self.instructions = title, description, instructions
        self.version, self.website_url, self.icons = version, website_url, tuple(icons)
        self._set_access(f"MCPServer({name!r})", access)
        self.module = declaring_module()
        self.revision = 0
        """Grows with every change, so that whoever keeps something made from the declarations knows to drop it."""
        self.engine: Any = None  # kept here by the engine, to go when the server goes
        self._declarations: dict[tuple[Kind, str], Declaration] = {}
        self._lock = RLock()
        register(self)

    def __repr__(self) -> str:
        return f"<MCPServer {self.name or 'default'!r} at {self.path or '/'!r}>"

    def declarations(self, kind: Kind) -> tuple[Declaration, ...]:
        """Return what is declared of a kind, in the order of declaration."""
        with self._lock:
            return tuple(each for (of, _), each in self._declarations.items() if of == kind)

    def add(self, declaration: Declaration) -> None:
        """Add a component.

        Raises:
            AlreadyRegistered: one of this kind and name is there; the error names both modules.
        """
        slot = (declaration.kind, declaration.key)
        if self._successor is not None:
            raise InvalidDeclaration(
                f"{declaration.kind} {declaration.key!r} in {declaration.module} is declared on mcp_django.mcp, whose "
                f"place {self._successor!r} of {self._successor.module} has taken: declare it there."
            )
        with self._lock:
            if slot in self._declarations:
                first = self._declarations[slot].module
                raise AlreadyRegistered(
                    f"{declaration.kind} {declaration.key!r} is declared in {first} and again in {declaration.module}."
                )
            self._declarations[slot] = declaration
            self.revision += 1
        self._list_changed(declaration.kind)

    def remove(self, kind: Kind, key: str) -> None:
        """Remove a component.

        Raises:
            NotRegistered: there is none.
        """
        with self._lock:
            if self._declarations.pop((kind, key), None) is None:
                raise NotRegistered(f"No {kind} {key!r} is registered on {self!r}.")
            self.revision += 1
        self._list_changed(kind)

    def _list_changed(self, kind: Kind) -> None:
        if kind in ("tool", "resource", "prompt"):
            self._notify(f"{kind}s", announced=False)

    # Tools

    @overload
    def tool(self, fn: F, /) -> F: ...
    @overload
    def tool(
        self,
        name: str | None = None,
        /,
        *,
        title: str | None = None,
        description: str | None = None,
        read_only: bool | None = None,
        destructive: bool | None = None,
        idempotent: bool | None = None,
        open_world: bool | None = None,
        icons: Sequence[Any] = (),
        tags: Iterable[str] = (),
        meta: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        atomic: bool | None = None,
        input_schema: Mapping[str, Any] | None = None,
        output: Any = None,
        structured_output: bool | None = None,
        **access: Unpack[AccessOptions],
    ) -> Callable[[F], F]: ...
    @overload
    def tool(self, /, *, name: str, **options: Any) -> Callable[[F], F]: ...
    def tool(self, fn: Any = None, /, **options: Any) -> Any:
        """Declare a tool: ``@mcp.tool`` or ``@mcp.tool(destructive=True, timeout=30)``.

        The function may be sync, async, or a generator that yields ``Progress`` and at last its result. The fields of
        ``ToolDeclaration`` are the options. Raises what ``add_tool`` raises.
        """
        return decorate(self.add_tool, fn, options)

    def add_tool(self, fn: Callable[..., Any], name: str | None = None, **options: Any) -> None:
        """Declare ``fn`` as a tool, also while the server runs.

        Raises:
            AlreadyRegistered: a tool has this name.
            InvalidDeclaration: the name is not a tool name, an option is unknown, or a parameter can't be filled.
        """
        declaration = declare(ToolDeclaration, fn, name, options)
        check_parameters(declaration, catch_all=declaration.input_schema is not None)
        self.add(declaration)

    def remove_tool(self, name: str) -> None:
        """Remove a tool. Raises ``NotRegistered``."""
        self.remove("tool", name)

    # Resources

    def resource(self, uri: str, /, **options: Any) -> Callable[[F], F]:
        """Declare a resource, or, with ``{parameters}`` in its URI, a template of resources.

        The fields of ``ResourceDeclaration`` are the options. Raises what ``add_resource`` raises.
        """
        if not isinstance(uri, str):
            raise InvalidDeclaration("A resource needs its URI: write @mcp.resource('polls://latest').")

        def declare_resource(fn: F) -> F:
            self.add_resource(uri, fn, **options)
            return fn

        return declare_resource

    def add_resource(self, uri: str, fn: Callable[..., Any], name: str | None = None, **options: Any) -> None:
        """Declare what ``fn`` returns as the resource at ``uri``, also while the server runs.

        Raises:
            AlreadyRegistered: this URI is taken.
            InvalidDeclaration: the URI has no scheme, an option is unknown, or a parameter can't be filled.
        """
        if not _SCHEME.match(uri):
            raise InvalidDeclaration(f"A resource needs a URI with a scheme, such as 'polls://latest', not {uri!r}.")
        declaration = declare(ResourceDeclaration, fn, name, {**options, "uri": uri})
        check_parameters(declaration)
        self.add(declaration)

    def remove_resource(self, uri: str) -> None:
        """Remove the resource or template at ``uri``. Raises ``NotRegistered``."""
        self.remove("resource", uri)

    # Prompts

    @overload
    def prompt(self, fn: F, /) -> F: ...
    @overload
    def prompt(self, name: str | None = None, /, **options: Any) -> Callable[[F], F]: ...
    def prompt(self, fn: Any = None, /, **options: Any) -> Any:
        """Declare a prompt. The fields of ``PromptDeclaration`` are the options. Raises what ``add_prompt`` raises."""
        return decorate(self.add_prompt, fn, options)

    def add_prompt(self, fn: Callable[..., Any], name: str | None = None, **options: Any) -> None:
        """Declare ``fn`` as a prompt, also while the server runs. Raises as ``add_tool`` does."""
        declaration = declare(PromptDeclaration, fn, name, options)
        check_parameters(declaration)
        self.add(declaration)

    def remove_prompt(self, name: str) -> None:
        """Remove a prompt. Raises ``NotRegistered``."""
        self.remove("prompt", name)

    # Completions

    @overload
    def completion(self, fn: F, /) -> F: ...
    @overload
    def completion(
        self, /, *, prompt: str | None = None, resource: str | None = None, argument: str | None = None
    ) -> Callable[[F], F]: ...
    def completion(
        self, fn: Any = None, /, *, prompt: str | None = None, resource: str | None = None, argument: str | None = None
    ) -> Any:
        """Declare where suggestions for an argument come from.

        ``@mcp.completion(prompt="summarise", argument="poll_id")`` decorates a function of the text typed so far (and,
        if it takes one, of the dict of the arguments filled before) that returns strings or a QuerySet of them. Bare,
        it decorates the SDK's ``handler(ref, argument, context)``, asked for whatever has no suggestions of its own.

        Raises:
            AlreadyRegistered: the argument has suggestions.
            InvalidDeclaration: an argument of nothing, or something without an argument.
        """
        if (prompt is not None and resource is not None) or (argument is None) != (prompt is None and resource is None):
            raise InvalidDeclaration("completion() takes an argument and either a prompt or a resource, or nothing.")

        def declare_completion(fn: F) -> F:
            name = str(getattr(fn, "__name__", "completion"))
            self.add(CompletionDeclaration(fn=fn, name=name, prompt=prompt, resource=resource, argument=argument))
            return fn

        return declare_completion if fn is None else declare_completion(fn)


_servers: dict[str, MCPServer] = {}


def _check_names(name: str, path: str) -> None:
    if name and not NAME.fullmatch(name):
        raise InvalidDeclaration(f"{name!r} can't be a server's name: 1 to 128 letters, digits, '_', '.', '-'.")
    if (path or name) and (path in _RESERVED_PATHS or not _PATH.fullmatch(path)):
        raise InvalidDeclaration(f"{path!r} can't be a server's path: letters, digits, '_', '.', '-' and '/'.")


def register(server: MCPServer) -> None:
    """Let a server be served, as constructing it does. Raises as that does."""
    if server.path in _servers:
        first = _servers[server.path].module
        raise AlreadyRegistered(f"An MCP server at {server.path!r} is declared in {first} and in {server.module}.")
    _servers[server.path] = server


def forget(server: MCPServer) -> None:
    """Let a server not be served any more."""
    if _servers.get(server.path) is server:
        del _servers[server.path]


def servers() -> tuple[MCPServer, ...]:
    """Return every server, the default one first."""
    return tuple(sorted(_servers.values(), key=lambda server: server.path != ""))


mcp = MCPServer("", path="")
"""The default server: to MCP what ``admin.site`` is to the admin. ``settings.MCP_DJANGO`` names and describes it."""
