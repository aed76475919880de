"""What a route's function takes: which request, and which of path parameters, ``body`` and ``query``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from mcp_django.exceptions import InvalidDeclaration
from mcp_django.registry import RouteDeclaration


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Handler:
    """How to call one route's function."""

    fn: Callable[..., Any]
    takes_request: bool
    starlette: bool
    """Whether the request that it takes is Starlette's."""

    keywords: frozenset[str]
    """What it is given by name, of all that there may be."""

    in_place: bool
    """Whether it is called on the event loop: a coroutine function, or an async generator function."""

    returns: Any
    """Its return annotation; ``inspect.Signature.empty`` without."""

    csrf_exempt: bool

    def call(self, request: Any, values: Mapping[str, Any]) -> Any:
        """Call the function."""
        positional = [request] if self.takes_request else []
        return self.fn(*positional, **{name: value for name, value in values.items() if name in self.keywords})


def handler_of(declaration: RouteDeclaration, path_parameters: Collection[str]) -> Handler:
    """Read the signature of a route's function.

    Raises:
        InvalidDeclaration: it is no function, or it takes something that nothing fills.
    """
    fn = declaration.fn
    if not callable(fn):
        raise InvalidDeclaration(f"{_where(declaration)} must be a function, not {fn!r}.")
    signature = _signature(fn)
    values = _values(declaration, path_parameters)
    parameters = list(signature.parameters.values())
    takes_request = bool(parameters) and _is_request(parameters[0], values)
    first = parameters[0] if takes_request else None
    rest = parameters[1:] if takes_request else parameters
    _check(declaration, rest, values)
    named = {each.name for each in rest if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)}
    takes_any = any(each.kind is each.VAR_KEYWORD for each in rest)
    keywords = frozenset(values if takes_any else named & values) & _accepted(fn, values)
    return Handler(
        fn=fn,
        takes_request=takes_request,
        starlette=first is not None and _is_starlette(first.annotation, default=declaration.starlette),
        keywords=keywords,
        in_place=_is_async(fn),
        returns=signature.return_annotation,
        csrf_exempt=bool(getattr(fn, "csrf_exempt", False)),
    )


def _values(declaration: RouteDeclaration, path_parameters: Collection[str]) -> set[str]:
    values = set(path_parameters)
    for name in ("body", "query"):
        if getattr(declaration, name) is not None:
            if name in values:
                raise InvalidDeclaration(f"{_where(declaration)}: {name!r} is a parameter of the path already.")
            values.add(name)
    return values


def _check(declaration: RouteDeclaration, parameters: list[inspect.Parameter], values: set[str]) -> None:
    """Refuse what nothing fills."""
    for each in parameters:
        if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD) or each.default is not each.empty:
            continue
        if each.kind is each.POSITIONAL_ONLY or each.name not in values:
            listed = ", ".join(sorted(values)) or "none"
            raise InvalidDeclaration(
                f"{_where(declaration)}: nothing fills the parameter {each.name!r}. Besides the request, which comes "
                f"first, it may take: {listed}."
            )


def _accepted(fn: Callable[..., Any], values: set[str]) -> frozenset[str]:
    """Return what the outermost function takes by name: a decorator that uses ``wraps`` looks like what it wraps."""
    parameters = inspect.signature(fn, follow_wrapped=False).parameters.values()
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        return frozenset(values)
    return frozenset(each.name for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY))


def _signature(fn: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(fn, eval_str=True)
    except (NameError, TypeError, SyntaxError, AttributeError):  # a name that only type checkers see
        return inspect.signature(fn)


def _is_request(parameter: inspect.Parameter, values: set[str]) -> bool:
    if parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD):
        return False
    if parameter.kind is parameter.VAR_POSITIONAL:
        return True
    if parameter.name in values:
        return False
    bare = parameter.annotation is parameter.empty and parameter.default is parameter.empty
    return bare or parameter.name == "request" or _is_annotated_request(parameter.annotation)


def _is_annotated_request(annotation: Any) -> bool:
    names = _names(annotation)
    return bool(names & {"django.http.request.HttpRequest", "starlette.requests.HTTPConnection"}) or (
        isinstance(annotation, str) and annotation.rpartition(".")[2] in ("HttpRequest", "Request")
    )


def _is_starlette(annotation: Any, *, default: bool) -> bool:
    if annotation is inspect.Parameter.empty or annotation is Any:
        return default
    if isinstance(annotation, str):
        return annotation.rpartition(".")[2] == "Request"
    return "starlette.requests.HTTPConnection" in _names(annotation)


def _names(annotation: Any) -> set[str]:
    """Name an annotation's class and all that it is made from: nothing has to be imported to compare with it."""
    return {f"{each.__module__}.{each.__qualname__}" for each in getattr(annotation, "__mro__", ())}


def _is_async(fn: Callable[..., Any]) -> bool:
    while isinstance(fn, partial):
        fn = fn.func
    if not inspect.isroutine(fn):
        fn = type(fn).__call__
    return inspect.iscoroutinefunction(fn) or inspect.isasyncgenfunction(fn)


def _where(declaration: RouteDeclaration) -> str:
    return f"The route {declaration.key!r} in {declaration.module}"
