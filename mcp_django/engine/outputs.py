"""From a return annotation to the output schema, and to what makes a result fit it."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import Signature
from typing import Annotated, Any, Union, get_args, get_origin

import typing_extensions
from django.db.models import Model, QuerySet
from django.db.models.manager import BaseManager
from mcp_types import CallToolResult, ContentBlock, InputRequiredResult
from pydantic import BaseModel, RootModel, TypeAdapter, create_model
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema

from mcp_django.engine.content import Media, Progress
from mcp_django.engine.execution import Flavour, flavour_of
from mcp_django.engine.readers import Read, make_reader, readable
from mcp_django.engine.sdk import sdk_classes
from mcp_django.exceptions import InvalidDeclaration
from mcp_django.registry import Declaration

CONTENT_BLOCKS: tuple[type, ...] = get_args(ContentBlock)
_CONTENT = (*CONTENT_BLOCKS, Media, bytes)
_BARE = (dict, list, tuple, set, frozenset, object, Mapping, Sequence, Iterable, Iterator)
_YIELDING = (Generator, Iterator, Iterable, AsyncIterator, AsyncGenerator)


class Unserialisable(TypeError):
    """The author's mistake: a result that no client can be sent. Says what to change."""


def refuse(value: Any) -> Any:
    """Refuse a value that JSON can't hold. Raises ``Unserialisable``."""
    if isinstance(value, Model | QuerySet | BaseManager):
        raise Unserialisable(
            f"{type(value).__qualname__} has no declared output type. Annotate the fields to send, as a pydantic "
            "model, a dataclass or a TypedDict."
        )
    raise Unserialisable(f"JSON can't hold a {type(value).__qualname__}")


class _StrictJsonSchema(GenerateJsonSchema):
    def emit_warning(self, kind: Any, detail: str) -> None:
        raise ValueError(f"{kind}: {detail}")


@dataclass(frozen=True, slots=True)
class Output:
    """The declared type of a result: what is published, and what a result is made to fit."""

    schema: dict[str, Any]
    adapter: TypeAdapter[Any]
    read: Read | None
    """Makes plain data of model instances and QuerySets where pydantic wouldn't."""

    same: type | None
    """Instances of exactly this type are plain already: they need no ``dump``."""

    wrapped: bool
    """Structured content must be an object, so anything else becomes ``{"result": ...}``."""

    def dump(self, value: Any) -> Any:
        """Make plain JSON data of a result, with the declared fields and no others.

        Raises:
            pydantic.ValidationError: it doesn't fit the declared type.
        """
        if self.read is not None:
            value = self.read(value)
        checked = self.adapter.validator.validate_python(value, from_attributes=True, by_alias=True, by_name=True)
        return self.adapter.serializer.to_python(checked, mode="json", by_alias=True, fallback=refuse)


def read_output(declaration: Declaration, annotation: Any, *, wanted: bool | None) -> Output | None:
    """Make the output schema of a return annotation; ``None`` where there is none to make.

    Raises:
        InvalidDeclaration: a schema is wanted and can't be made, or a model or QuerySet is annotated as it is.
    """
    annotation, forced = _payload(annotation, flavour_of(declaration.fn))
    if wanted is False or annotation is Any or (_is_content(annotation) and not wanted):
        return None
    if _is_database(annotation):
        raise InvalidDeclaration(
            f"{_where(declaration)} returns {_label(annotation)}, and models are never sent whole. Annotate the fields "
            "to send, as a pydantic model, a dataclass or a TypedDict: instances and QuerySets are read into it."
        )
    try:
        annotation = readable(annotation)
        direct = _is_object(annotation)
        if not direct and not _is_wrappable(annotation):
            raise TypeError(f"{_label(annotation)} says nothing about its content")
        adapter = TypeAdapter(annotation)
        published = (
            adapter if direct else TypeAdapter(create_model(f"{declaration.name}Output", result=(annotation, ...)))
        )
        schema = _inline_root(published.json_schema(mode="serialization", schema_generator=_StrictJsonSchema))
    except (PydanticUserError, TypeError, ValueError, NameError) as error:
        if wanted or forced or _is_object(annotation):
            raise InvalidDeclaration(f"{_where(declaration)}: no output schema can be made: {error}") from error
        return None
    same = annotation if annotation in (bool, int, str) else None
    return Output(schema, adapter, make_reader(annotation), same, wrapped=not direct)


def _where(declaration: Declaration) -> str:
    return f"{declaration.kind} {declaration.name!r} in {declaration.module}"


def _label(annotation: Any) -> str:
    return getattr(annotation, "__qualname__", None) or str(annotation)


def _payload(annotation: Any, flavour: Flavour) -> tuple[Any, bool]:
    """Find the type of the result in a return annotation, and whether it must have a schema.

    ``Iterator[Progress | X]`` and ``Generator[Progress, None, X]`` hold ``X``; ``Annotated[CallToolResult, X]``
    promises structured content of ``X``; ``X | InputRequiredResult`` is ``X`` or a question.
    """
    if annotation is Signature.empty:
        return Any, False
    origin, arguments = get_origin(annotation), get_args(annotation)
    if flavour in ("generator", "async generator") and origin in _YIELDING:
        returned = arguments[2] if origin is Generator and len(arguments) == 3 else None
        return _payload(arguments[0] if returned in (None, type(None)) else returned, "sync")
    if origin is Annotated and _is_a(arguments[0], CallToolResult):
        return arguments[1], True
    if _is_a(annotation, CallToolResult) or _is_a(annotation, InputRequiredResult) or _is_a(annotation, Progress):
        return Any, False
    if origin in (Union, types.UnionType):
        rest = [each for each in arguments if not _is_a(each, InputRequiredResult) and not _is_a(each, Progress)]
        if len(rest) != len(arguments):
            return _payload(Union[tuple(rest)], flavour) if rest else (Any, False)  # noqa: UP007
    return annotation, False


def _is_a(annotation: Any, cls: type | tuple[type, ...]) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, cls)


def _is_content(annotation: Any) -> bool:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _is_content(get_args(annotation)[0])
    if origin in (Union, types.UnionType, list, tuple, Sequence):
        return any(map(_is_content, get_args(annotation)))
    return _is_a(annotation, (*_CONTENT, *sdk_classes("Image", "Audio")))


def _is_database(annotation: Any) -> bool:
    origin = get_origin(annotation)
    if origin is not None:
        return _is_a(origin, (QuerySet, BaseManager)) or any(map(_is_database, get_args(annotation)))
    return _is_a(annotation, (Model, QuerySet, BaseManager))


def _is_object(annotation: Any) -> bool:
    """Whether its JSON is an object, so that it needs no wrapping."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _is_object(get_args(annotation)[0])
    if origin in (dict, Mapping):
        return get_args(annotation)[:1] == (str,)
    if typing_extensions.is_typeddict(annotation) or dataclasses.is_dataclass(annotation):
        return True
    cls = origin or annotation
    return _is_a(cls, BaseModel) and not _is_a(cls, RootModel)


def _is_wrappable(annotation: Any) -> bool:
    """Whether a schema of it says more than "anything": bare ``dict`` and ``list`` don't."""
    bare = annotation if get_origin(annotation) is None else get_origin(annotation)
    return bool(get_args(annotation)) or bare not in _BARE


def _inline_root(schema: dict[str, Any]) -> dict[str, Any]:
    """Give a schema whose root is a reference (a model that contains itself) a root of its own, with a type."""
    reference = schema.get("$ref", "")
    if not reference.startswith("#/$defs/"):
        return schema
    root = schema["$defs"][reference.removeprefix("#/$defs/")]
    return {**root, **{key: value for key, value in schema.items() if key != "$ref"}}
