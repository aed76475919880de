"""What an ``mcp.py`` declares, as frozen data. The engine compiles it later; nothing here loads the SDK."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from mcp_django.exceptions import InvalidDeclaration
from mcp_django.registry.access import Check, Rate, checked

NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")
"""Names of components and servers (specification 2025-11-25, server/tools, Tool Names)."""

Kind = Literal["tool", "resource", "prompt", "completion", "route"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Declaration:
    """One component as written in an ``mcp.py``."""

    fn: Callable[..., Any]
    name: str = ""
    title: str | None = None
    description: str | None = None
    """For the model. ``None``: the docstring, less its section on parameters."""

    icons: tuple[Any, ...] = ()
    """URLs, dicts of the specification's ``Icon``, or the SDK's ``Icon`` objects."""

    tags: frozenset[str] = frozenset()
    meta: Mapping[str, Any] = field(default_factory=dict)
    """Sent to the client as ``_meta``."""

    # What is asked of callers: see ``AccessOptions``. ``None``: what the server asks.
    scopes: tuple[str, ...] | None = None
    permissions: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None
    staff: bool | None = None
    check: Check | None = None
    public: bool | None = None
    throttle: Rate | None = None

    @property
    def kind(self) -> Kind:
        """What it declares."""
        raise TypeError(f"{type(self).__name__} names no kind")

    @property
    def key(self) -> str:
        """What no two declarations of a kind may share."""
        return self.name

    @property
    def module(self) -> str:
        """The module that holds the function: what error messages name."""
        return getattr(self.fn, "__module__", None) or type(self.fn).__module__


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ToolDeclaration(Declaration):
    """A function that a model may call."""

    read_only: bool | None = None
    destructive: bool | None = None
    idempotent: bool | None = None
    open_world: bool | None = None
    timeout: float | None = None
    """Seconds. ``None``: ``TOOL_TIMEOUT_SECONDS``; 0: no limit."""

    atomic: bool | None = None
    """``True``: in a transaction; ``False``: never; ``None``: as the database's ``ATOMIC_REQUESTS`` says."""

    input_schema: Mapping[str, Any] | None = None
    """A JSON Schema that is published and enforced as it is, instead of one made from the signature."""

    output: Any = None
    """The type of the result, where the return annotation can't say it: ``list[CityFound]`` of a QuerySet."""

    structured_output: bool | None = None
    """``False``: text only; ``True``: the return annotation must give a schema; ``None``: when it does."""

    @property
    def kind(self) -> Kind:
        return "tool"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ResourceDeclaration(Declaration):
    """Something to read: one URI, or a template (RFC 6570) of many."""

    uri: str
    mime_type: str | None = None
    annotations: Mapping[str, Any] | None = None
    """The specification's ``Annotations``: ``audience``, ``priority``, ``lastModified``."""

    size: int | None = None
    """Bytes, when known. Static resources only."""

    output: Any = None
    """The type of the content, where the return annotation can't say it."""

    timeout: float | None = None
    atomic: bool | None = None
    cache_seconds: float = 0
    """How long a client may keep what it read (``ttlMs`` of 2026-07-28)."""

    cache_scope: Literal["private", "public"] = "private"
    """``"public"`` lets a proxy hand one reader's copy to another."""

    complete: Mapping[str, Any] = field(default_factory=dict)
    """Where completions of a parameter come from, by its name: see ``MCPServer.completion``."""

    @property
    def kind(self) -> Kind:
        return "resource"

    @property
    def key(self) -> str:
        return self.uri

    @property
    def is_template(self) -> bool:
        """Whether the URI has parameters."""
        return "{" in self.uri


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PromptDeclaration(Declaration):
    """A message, or several, that a person picks from a menu."""

    timeout: float | None = None
    atomic: bool | None = None
    complete: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        return "prompt"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class CompletionDeclaration(Declaration):
    """Suggestions for one argument of a prompt or a resource template, or, with neither named, for all of them."""

    prompt: str | None = None
    resource: str | None = None
    argument: str | None = None

    @property
    def kind(self) -> Kind:
        return "completion"

    @property
    def key(self) -> str:
        if self.argument is None:
            return "*"
        return f"{'prompt' if self.prompt else 'resource'} {self.prompt or self.resource} argument {self.argument}"


D = TypeVar("D", bound=Declaration)
F = TypeVar("F", bound=Callable[..., Any])


def declare(cls: type[D], fn: Callable[..., Any], name: str | None, options: Mapping[str, Any]) -> D:
    """Make a declaration; without a name it gets the function's.

    Raises:
        InvalidDeclaration: the name holds something that may not be in it, or an option is unknown.
    """
    label = name or str(getattr(fn, "__name__", ""))
    if not NAME.fullmatch(label):
        hint = ", and give a lambda a name" if label == "<lambda>" else ""
        raise InvalidDeclaration(
            f"{label or fn!r} can't be the name of a component: use 1 to 128 letters, digits, '_', '.' or '-'{hint}."
        )
    try:
        return cls(fn=fn, name=label, **_frozen(label, options))
    except TypeError as error:
        raise InvalidDeclaration(f"{label!r}: {str(error).rpartition('() ')[2]}.") from None


def _frozen(label: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Make the options immutable; one tag or icon may stand for a list of it."""
    frozen = dict(options)
    for key, make in (("icons", tuple), ("tags", frozenset)):
        if key in frozen:
            given = frozen[key] or ()
            frozen[key] = make([given] if isinstance(given, str | Mapping) else given)
    if any(not isinstance(tag, str) for tag in frozen.get("tags", ())):
        raise InvalidDeclaration(f"{label!r}: tags must be strings.")
    if not isinstance(frozen.setdefault("meta", {}) or {}, Mapping):
        raise InvalidDeclaration(f"{label!r}: meta must be a dict, not {frozen['meta']!r}.")
    frozen["meta"] = dict(frozen["meta"] or {})
    timeout = frozen.get("timeout")
    if timeout is not None and (not isinstance(timeout, int | float) or not 0 <= timeout < float("inf")):
        raise InvalidDeclaration(f"{label!r}: timeout must be a number of seconds, or 0 for no limit, not {timeout!r}.")
    _check_caching(label, frozen)
    return frozen | checked(repr(label), frozen)


def _check_caching(label: str, options: Mapping[str, Any]) -> None:
    seconds = options.get("cache_seconds", 0)
    if not isinstance(seconds, int | float) or not 0 <= seconds < float("inf"):
        raise InvalidDeclaration(f"{label!r}: cache_seconds must be a number of seconds, not {seconds!r}.")
    if options.get("cache_scope", "private") not in ("private", "public"):
        raise InvalidDeclaration(f"{label!r}: cache_scope must be 'private' or 'public'.")


def check_parameters(declaration: Declaration, *, catch_all: bool = False) -> None:
    """Refuse parameters that no named argument can fill.

    Args:
        catch_all: whether ``**kwargs`` is welcome, as it is where a raw schema says what may be in it.

    Raises:
        InvalidDeclaration: ``*args``, ``**kwargs`` or a positional-only parameter.
    """
    fn = declaration.fn
    if not callable(fn):
        raise InvalidDeclaration(f"{declaration.kind} {declaration.name!r} must be a function, not {fn!r}.")
    for parameter in inspect.signature(fn).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD and catch_all:
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise InvalidDeclaration(
                f"{declaration.kind} {declaration.name!r} in {declaration.module}: a client can't fill the parameter "
                f"{parameter} ({parameter.kind.description}). Name each argument, or take one dict or list."
            )


def decorate(add: Callable[..., None], first: Any, options: dict[str, Any]) -> Any:
    """Serve both spellings of a decorator: ``@mcp.tool`` and ``@mcp.tool(...)``, with a name in front or without."""
    if isinstance(first, str):
        options["name"] = first
    elif first is not None:
        add(first, **options)
        return first

    def declare_with_options(fn: F) -> F:
        add(fn, **options)
        return fn

    return declare_with_options


def declaring_module() -> str:
    """Return the name of the module that constructs a server, past classes of our own that derive from it."""
    frame = sys._getframe(2)
    while frame.f_globals["__name__"].startswith("mcp_django.") and frame.f_back is not None:
        frame = frame.f_back
    return str(frame.f_globals["__name__"])
