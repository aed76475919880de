"""Declared types that pydantic can't read by itself, and values that it can't read into them."""

from __future__ import annotations

import dataclasses
import sys
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

import typing_extensions
from django.db.models import Model, QuerySet
from django.db.models.manager import BaseManager
from pydantic import BaseModel

Read = Callable[[Any], Any]

_NOT_REQUIRED: Any = typing_extensions.NotRequired
_SEQUENCES = (list, tuple, set, frozenset, Sequence, Iterable)


def readable(annotation: Any) -> Any:
    """Rebuild every ``typing.TypedDict`` in an annotation, which pydantic can't read before Python 3.12."""
    return annotation if sys.version_info >= (3, 12) else _rebuilt(annotation, {})


def _rebuilt(annotation: Any, known: dict[Any, Any]) -> Any:
    if typing_extensions.is_typeddict(annotation):
        return _rebuilt_typeddict(annotation, known) if type(annotation).__module__ == "typing" else annotation
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return Annotated[(_rebuilt(arguments[0], known), *arguments[1:])]
    rebuilt = tuple(_rebuilt(each, known) if not isinstance(each, list) else each for each in arguments)
    if origin is None or rebuilt == arguments:
        return annotation
    if origin in (Union, types.UnionType):
        return Union[rebuilt]  # noqa: UP007
    return origin[rebuilt[0] if len(rebuilt) == 1 else rebuilt]


def _rebuilt_typeddict(annotation: Any, known: dict[Any, Any]) -> Any:
    if annotation in known:  # it holds itself: there pydantic says what to do
        return known[annotation]
    known[annotation] = annotation
    required = annotation.__required_keys__
    hints = typing_extensions.get_type_hints(annotation, include_extras=True)
    items = {name: _rebuilt(hint, known) for name, hint in hints.items()}
    make: Any = typing_extensions.TypedDict
    rebuilt = make(
        annotation.__name__,
        {name: hint if name in required else typing_extensions.NotRequired[hint] for name, hint in items.items()},
    )
    rebuilt.__doc__ = annotation.__doc__
    known[annotation] = rebuilt
    return rebuilt


def make_reader(annotation: Any) -> Read | None:
    """Return what makes plain data of the model instances and QuerySets in a value; ``None`` when none can be there.

    pydantic reads instances into its own models, and not into dataclasses and TypedDicts.
    """
    return _reader(annotation, {})


def _reader(annotation: Any, known: dict[Any, Any]) -> Read | None:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Annotated, typing_extensions.Required, typing_extensions.NotRequired):
        return _reader(arguments[0], known)
    if origin in (Union, types.UnionType):
        found = [reader for reader in (_reader(each, known) for each in arguments) if reader is not None]
        return _either(found) if found else None
    if origin is not None and not arguments:
        return None
    if origin is tuple and arguments[1:] != (...,):
        return _places([_reader(each, known) for each in arguments])
    if origin in _SEQUENCES:
        return _sequence(_reader(arguments[0], known))
    if origin in (dict, Mapping):
        reader = _reader(arguments[1], known)
        return None if reader is None else lambda value: _each_value(value, reader)
    return _class_reader(annotation, known)


def _class_reader(annotation: Any, known: dict[Any, Any]) -> Read | None:
    if typing_extensions.is_typeddict(annotation) or dataclasses.is_dataclass(annotation):
        return _record(annotation, known)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _model(annotation, known)
    return None


def _either(readers: list[Read]) -> Read:
    def read(value: Any) -> Any:
        for reader in readers:
            if (plain := reader(value)) is not value:
                return plain
        return value

    return read


def _sequence(reader: Read | None) -> Read:
    def read(value: Any) -> Any:
        if isinstance(value, BaseManager):
            value = value.all()
        if isinstance(value, QuerySet):
            value = list(value)
        if reader is None or not isinstance(value, list | tuple | set | frozenset):
            return value
        return [reader(item) for item in value]

    return read


def _each_value(value: Any, reader: Read) -> Any:
    return {key: reader(item) for key, item in value.items()} if isinstance(value, Mapping) else value


def _places(readers: list[Read | None]) -> Read:
    def read(value: Any) -> Any:
        if not isinstance(value, list | tuple) or len(value) != len(readers):
            return value
        return tuple(item if sub is None else sub(item) for item, sub in zip(value, readers, strict=True))

    return read


def _record(annotation: Any, known: dict[Any, Any]) -> Read:
    """Read the declared fields of an instance, and no others; one without a field that must be there stays as it is."""
    if annotation in known:
        return lambda value: known[annotation](value)
    readers: dict[str, Read | None] = {}
    required = _required(annotation)

    def read(value: Any) -> Any:
        if not isinstance(value, Model) or not all(hasattr(value, name) for name in required):
            return value
        fields = {name: getattr(value, name) for name in readers if hasattr(value, name)}
        return {name: item if (sub := readers[name]) is None else sub(item) for name, item in fields.items()}

    known[annotation] = read
    for name, hint in typing_extensions.get_type_hints(annotation, include_extras=True).items():
        readers[name] = _reader(hint, known)
    return read


def _required(annotation: Any) -> frozenset[str]:
    if typing_extensions.is_typeddict(annotation):
        hints = typing_extensions.get_type_hints(annotation, include_extras=True)
        optional = {name for name, hint in hints.items() if get_origin(hint) is _NOT_REQUIRED}
        return frozenset(annotation.__required_keys__) - optional  # which an annotation in a string hides from it
    missing = dataclasses.MISSING
    return frozenset(
        each.name
        for each in dataclasses.fields(annotation)
        if each.default is missing and each.default_factory is missing
    )


def _model(annotation: type[BaseModel], known: dict[Any, Any]) -> Read:
    """Read related objects of an instance, however deep they lie; all else of it pydantic reads by itself."""
    if annotation in known:
        return lambda value: known[annotation](value)
    readers: dict[str, Read | None] = {}

    def read(value: Any) -> Any:
        if not isinstance(value, Model):
            return value
        found = {name: _attribute(value, name, info.alias) for name, info in annotation.model_fields.items()}
        plain = {name: item if (sub := readers[name]) is None else sub(item) for name, item in found.items()}
        if all(plain[name] is found[name] for name in plain):
            return value
        return {name: item for name, item in plain.items() if item is not _MISSING}

    known[annotation] = read
    annotation.model_rebuild(raise_errors=False)  # what it refers to may be declared below it
    for name, info in annotation.model_fields.items():
        readers[name] = _reader(info.annotation, known)
    return read


_MISSING = object()


def _attribute(value: Model, name: str, alias: str | None) -> Any:
    return getattr(value, name, getattr(value, alias, _MISSING) if alias else _MISSING)
