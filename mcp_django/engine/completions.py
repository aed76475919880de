"""``completion/complete``: suggestions for an argument while it is typed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from functools import partial
from itertools import islice
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from django.db.models import QuerySet
from django.db.models.query import FlatValuesListIterable
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, CompleteRequestParams, Completion, CompletionContext

from mcp_django.engine.access import admitted
from mcp_django.engine.errors import explain
from mcp_django.engine.execution import Flavour, Runner, flavour_of
from mcp_django.engine.signatures import evaluated_signature, is_context
from mcp_django.exceptions import InvalidDeclaration, ProtocolError, ToolError
from mcp_django.registry import CompletionDeclaration, Declaration

if TYPE_CHECKING:
    from mcp_django.engine.compile import Component
    from mcp_django.engine.exchange import Exchange

MAX_VALUES = 100
"""Most values in one answer (server/utilities/completion)."""

Complete = Callable[[str, Mapping[str, str], "Exchange"], Any]


async def complete(exchange: Exchange) -> dict[str, Any]:
    """Answer ``completion/complete``. An argument without suggestions gets none.

    Raises:
        ProtocolError: there is no such prompt or template for this caller, or finding suggestions failed.
    """
    params = CompleteRequestParams.model_validate(exchange.params, by_name=False)
    engine, argument = exchange.engine, params.argument
    named: Component | None
    if params.ref.type == "ref/prompt":
        named = engine.prompts.get(params.ref.name)
    else:
        named = engine.resources.get(params.ref.uri)
    component = await admitted(named, exchange)
    if component is None:
        raise ProtocolError(INVALID_PARAMS, "There is no such prompt or resource template.")
    exchange.component = component.declaration.name
    filled = (params.context.arguments if params.context else None) or {}
    try:
        completer = engine.completers.get((component.declaration.kind, component.key, argument.name))
        if completer is not None:
            return {"completion": await completer(argument.value, filled, exchange)}
        if engine.fallback_completer is not None:
            context = params.context or CompletionContext(arguments=None)
            return {"completion": await engine.fallback_completer(params.ref, argument, context, exchange)}
    except Exception as error:
        shown = explain(error, f"Completion of {argument.name!r}", ToolError)
        raise (shown if isinstance(shown, ProtocolError) else ProtocolError(INTERNAL_ERROR, str(shown))) from error
    return {"completion": {"values": []}}


def completers_of(component: Component, complete: Mapping[str, Any]) -> dict[str, Complete]:
    """Return the completers of a component's arguments: those declared, and those that their annotations give.

    Raises:
        InvalidDeclaration: suggestions for a parameter that isn't there, or from something that gives none.
    """
    parameters = {parameter.name: parameter for parameter in component.signature.parameters}
    if unknown := complete.keys() - parameters.keys():
        names = ", ".join(map(repr, sorted(unknown)))
        raise InvalidDeclaration(f"{_where(component.declaration)}: it has no parameter {names} to complete.")
    sources = {name: _choices_of(parameter.annotation) for name, parameter in parameters.items()}
    sources |= complete
    return {
        name: make_completer(source, component.declaration) for name, source in sources.items() if source is not None
    }


def make_completer(source: Any, declaration: Declaration) -> Complete:
    """Return the completer of a source: an enum, choices, strings, a flat QuerySet, or a function of the text.

    Raises:
        InvalidDeclaration: it is none of these.
    """
    if isinstance(source, QuerySet):
        field = _field_of(source, declaration)
        return _asking(
            lambda typed: source.filter(**{f"{field}__istartswith": typed}) if typed else source.all(), (), 1
        )
    if callable(source) and not _is_enum(source):
        contexts = _fillable(source, 2, declaration)
        return _asking(source, contexts, len(inspect.signature(source).parameters) - len(contexts))
    if _is_enum(source) or (isinstance(source, Iterable) and not isinstance(source, str | bytes | Mapping)):
        return _static(list(_pairs(source)))
    raise InvalidDeclaration(f"{_where(declaration)}: {source!r} gives no suggestions.")


def make_fallback(declaration: CompletionDeclaration) -> Callable[..., Any]:
    """Return the completer that asks the SDK's ``handler(ref, argument, context)``."""
    contexts = _fillable(declaration.fn, 3, declaration)

    async def fallback(ref: Any, argument: Any, context: Any, exchange: Exchange) -> Any:
        return await _ask(_bound(declaration.fn, contexts, (ref, argument, context)), contexts, exchange)

    return fallback


def _asking(source: Callable[..., Any], contexts: tuple[str, ...], takes: int) -> Complete:
    async def ask(typed: str, filled: Mapping[str, str], exchange: Exchange) -> Any:
        return await _ask(_bound(source, contexts, (typed, dict(filled))[:takes]), contexts, exchange)

    return ask


def _fillable(fn: Callable[..., Any], most: int, declaration: Declaration) -> tuple[str, ...]:
    """Return which parameters want the ``Context``.

    Raises:
        InvalidDeclaration: there are more others than can be filled, or one that takes all that is left.
    """
    try:
        parameters = evaluated_signature(fn).parameters.values()
    except (ValueError, NameError, SyntaxError, TypeError, AttributeError) as error:
        raise InvalidDeclaration(f"{_where(declaration)}: {fn!r} gives no suggestions: {error}") from error
    contexts = tuple(each.name for each in parameters if is_context(each.annotation))
    others = [each for each in parameters if each.name not in contexts]
    needed = [each for each in others if each.default is each.empty]
    if len(needed) > most or any(each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD) for each in others):
        raise InvalidDeclaration(f"{_where(declaration)}: a completer takes at most {most} parameters, each by name.")
    return contexts


def _bound(fn: Callable[..., Any], contexts: tuple[str, ...], values: tuple[Any, ...]) -> Callable[..., Any]:
    """Fill the parameters that aren't the ``Context``, in their order, whatever they are called."""
    parameters = [each for name, each in inspect.signature(fn).parameters.items() if name not in contexts]
    filled = list(zip(parameters, values, strict=False))
    positional = [value for parameter, value in filled if parameter.kind is parameter.POSITIONAL_ONLY]
    named = {each.name: value for each, value in filled if each.kind is not each.POSITIONAL_ONLY}
    return partial(fn, *positional, **named)


async def _ask(fn: Callable[..., Any], contexts: tuple[str, ...], exchange: Exchange) -> Any:
    call, flavour = _collected(fn)
    runner = Runner(
        fn=call,
        flavour=flavour,
        context_parameters=contexts,
        finish=_to_completion,
        timeout=None,
        atomic=None,
    )
    return await runner.run({}, exchange)


def _collected(fn: Callable[..., Any]) -> tuple[Callable[..., Any], Flavour]:
    """Let a generator give all that it yields: here none of it is progress."""

    async def collect(**context: Any) -> list[Any]:
        return [item async for item in fn(**context)]

    flavour = flavour_of(fn)
    if flavour == "async generator":
        return collect, "async"
    if flavour == "generator":
        return (lambda **context: list(fn(**context))), "sync"
    return fn, flavour


def _static(pairs: list[tuple[str, str]]) -> Complete:
    async def choose(typed: str, filled: Mapping[str, str], exchange: Exchange) -> Any:
        return _wire(value for value, label in pairs if _begins(typed, value, label))

    return choose


def _to_completion(found: Any) -> dict[str, Any]:
    """Make the wire form of what a function gave. It has seen the text, so nothing is left out for not fitting it."""
    if isinstance(found, Completion):
        given = found.model_dump(by_alias=True, mode="json", exclude_none=True)
        return {**given, "values": found.values[:MAX_VALUES]} | ({"hasMore": True} if found.values[MAX_VALUES:] else {})
    if isinstance(found, QuerySet):
        return _wire(str(value) for value in found[: MAX_VALUES + 1].iterator())
    if isinstance(found, str):
        return _wire([found])
    return _wire(value for value, _ in _pairs(found or ()))


def _wire(values: Iterable[str]) -> dict[str, Any]:
    first = list(islice(values, MAX_VALUES + 1))
    if len(first) > MAX_VALUES:
        return {"values": first[:MAX_VALUES], "hasMore": True}
    return {"values": first, "total": len(first), "hasMore": False}


def _begins(typed: str, value: str, label: str) -> bool:
    typed = typed.casefold()
    return value.casefold().startswith(typed) or label.casefold().startswith(typed)


def _is_enum(source: Any) -> bool:
    return isinstance(source, type) and issubclass(source, Enum)


def _pairs(source: Iterable[Any]) -> Iterable[tuple[str, str]]:
    """Give value and label of an enum's members, of Django's choices (grouped ones too), or of plain values."""
    for item in source:
        if isinstance(item, Enum):
            yield str(item.value), str(getattr(item, "label", item.name))
        elif isinstance(item, list | tuple) and len(item) == 2:
            value, label = item
            yield from _pairs(label) if isinstance(label, list | tuple) else [(str(value), str(label))]
        else:
            yield str(item), str(item)


def _field_of(queryset: QuerySet[Any], declaration: Declaration) -> str:
    """Return the field that a flat QuerySet gives.

    Raises:
        InvalidDeclaration: it gives something else, or is sliced, so that it can't be filtered.
    """
    fields = queryset.query.values_select
    flat = getattr(queryset, "_iterable_class", None) is FlatValuesListIterable and len(fields) == 1
    if not flat or queryset.query.is_sliced:
        raise InvalidDeclaration(
            f"{_where(declaration)}: a QuerySet to complete from must end in values_list('field', flat=True)."
        )
    return str(fields[0])


def _choices_of(annotation: Any) -> Any:
    """Return the enum or the literal values of an annotation; ``None`` when anything goes."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _choices_of(get_args(annotation)[0])
    if origin in (Union, UnionType):
        found = [each for each in map(_choices_of, get_args(annotation)) if each is not None]
        return found[0] if len(found) == 1 else None
    if origin is Literal:
        return list(get_args(annotation))
    return annotation if _is_enum(annotation) else None


def _where(declaration: Declaration) -> str:
    return f"{declaration.kind} {declaration.name!r} in {declaration.module}"
