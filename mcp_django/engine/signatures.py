"""From a function's signature to the schema that clients see and the validator that their arguments pass."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from docstring_parser import DocstringParam, DocstringStyle, compose
from docstring_parser import parse as parse_docstring
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo
from pydantic_core import SchemaValidator, from_json
from typing_extensions import get_type_hints

from mcp_django.engine.context import Context
from mcp_django.engine.readers import readable
from mcp_django.engine.sdk import sdk_classes
from mcp_django.exceptions import InvalidDeclaration
from mcp_django.registry import Declaration

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator


class InvalidArguments(Exception):
    """Arguments don't fit; the text says which and why, in words for the model, without the values."""


@dataclass(frozen=True, slots=True)
class Docstring:
    """What a docstring says: of the function, and of each parameter."""

    text: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters that a client fills."""

    schema: dict[str, Any]
    validate: Callable[[dict[str, Any]], dict[str, Any]]
    """From raw to checked arguments, by parameter name. Raises ``InvalidArguments``."""

    parameters: tuple[inspect.Parameter, ...]
    context_parameters: tuple[str, ...]
    returns: Any
    """The return annotation, or ``inspect.Signature.empty``."""


def read_docstring(fn: Callable[..., Any]) -> Docstring:
    """Split the docstring into what is said of the function and what is said of each parameter."""
    while isinstance(fn, partial):
        fn = fn.func
    raw = inspect.getdoc(fn) or ""
    try:
        parsed = parse_docstring(raw, style=DocstringStyle.AUTO)
        parameters = {param.arg_name: param.description for param in parsed.params if param.description}
        if not parameters:
            return Docstring(raw, {})
        parsed.meta = [section for section in parsed.meta if not isinstance(section, DocstringParam)]
        return Docstring(compose(parsed), parameters)
    except Exception:  # the parser stumbles over some texts: those are taken whole
        return Docstring(raw, {})


def read_signature(declaration: Declaration, docstring: Docstring) -> Signature:
    """Make schema and validator from the annotations.

    Raises:
        InvalidDeclaration: an annotation can't be evaluated, or says something that JSON Schema can't.
    """
    where = f"{declaration.kind} {declaration.name!r} in {declaration.module}"
    try:
        signature = evaluated_signature(declaration.fn)
    except (NameError, SyntaxError, TypeError, AttributeError) as error:
        raise InvalidDeclaration(f"{where}: an annotation can't be evaluated: {error}") from error
    contexts, parameters = [], []
    for parameter in signature.parameters.values():
        if is_context(parameter.annotation):
            contexts.append(parameter.name)
        elif parameter.kind is not parameter.VAR_KEYWORD:
            parameters.append(parameter)
    try:
        model = _arguments_model(declaration.name, parameters, docstring.parameters)
        schema = model.model_json_schema(by_alias=True)
    except (PydanticUserError, TypeError, ValueError, NameError) as error:
        raise InvalidDeclaration(f"{where}: no JSON Schema can be made of its parameters: {error}") from error
    names = dict(zip(model.model_fields, (parameter.name for parameter in parameters), strict=True))
    renamed = {field: name for field, name in names.items() if field != name}
    validate = partial(_validate, _validator_of_fields(model), model, renamed)
    return Signature(schema, validate, tuple(parameters), tuple(contexts), signature.return_annotation)


def read_raw_schema(
    declaration: Declaration, schema: Mapping[str, Any], signature: Signature
) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return the validator of a schema that the author wrote.

    Raises:
        InvalidDeclaration: it is not a JSON Schema 2020-12 of an object, or doesn't fill the function's parameters.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    where = f"tool {declaration.name!r} in {declaration.module}"
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise InvalidDeclaration(f"{where}: input_schema is not a JSON Schema: {error.message}") from error
    if schema.get("type") != "object":
        raise InvalidDeclaration(f"{where}: input_schema must say 'type': 'object'.")
    needed = {each.name for each in signature.parameters if each.default is each.empty}
    if unfilled := needed - set(schema.get("required", ())):
        names = ", ".join(map(repr, sorted(unfilled)))
        raise InvalidDeclaration(f"{where}: input_schema doesn't require the parameter {names}: give it a default.")
    takes_all = any(each.kind is each.VAR_KEYWORD for each in inspect.signature(declaration.fn).parameters.values())
    known = None if takes_all else frozenset(each.name for each in signature.parameters)
    return partial(_validate_raw, Draft202012Validator(schema), known)


def evaluated_signature(fn: Callable[..., Any]) -> inspect.Signature:
    """Return a signature whose annotations are objects, also where a string stands inside of one.

    Raises:
        NameError, SyntaxError, TypeError, AttributeError: a string can't be evaluated.
    """
    signature, holder = inspect.signature(fn), fn
    while isinstance(holder, partial):
        holder = holder.func
    if not inspect.isroutine(holder) and not inspect.isclass(holder):
        holder = type(holder).__call__
    hints = get_type_hints(holder, include_extras=True)
    parameters = [
        each.replace(annotation=hints.get(each.name, each.annotation)) for each in signature.parameters.values()
    ]
    return signature.replace(parameters=parameters, return_annotation=hints.get("return", signature.return_annotation))


def is_context(annotation: Any) -> bool:
    """Whether a parameter wants the ``Context``: ours, or the SDK's, also in a union or in ``Annotated``."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return is_context(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return any(map(is_context, get_args(annotation)))
    return isinstance(annotation, type) and issubclass(annotation, (Context, *sdk_classes("Context")))


def _arguments_model(
    name: str, parameters: list[inspect.Parameter], descriptions: Mapping[str, str]
) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    taken = {parameter.name for parameter in parameters}
    for parameter in parameters:
        annotation = Any if parameter.annotation is parameter.empty else readable(parameter.annotation)
        default = ... if parameter.default is parameter.empty else parameter.default
        extra: dict[str, Any] = {}
        if parameter.name in descriptions and not _describes_itself(annotation, default):
            extra["description"] = descriptions[parameter.name]
        field = parameter.name
        if hasattr(BaseModel, field) or field.startswith(("_", "model_")):  # names that pydantic keeps for itself
            field = f"argument_{field.lstrip('_')}"
            while field in fields or field in taken:
                field += "_"
            extra |= {"alias": parameter.name, "title": parameter.name.replace("_", " ").title()}
        fields[field] = (Annotated[annotation, Field(**extra)] if extra else annotation, default)
    config = ConfigDict(extra="forbid", arbitrary_types_allowed=False)
    return create_model(f"{name}Arguments", __config__=config, **fields)


def _describes_itself(annotation: Any, default: Any) -> bool:
    metadata = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
    return any(isinstance(each, FieldInfo) and each.description for each in (*metadata, default))


def _validator_of_fields(model: type[BaseModel]) -> SchemaValidator:
    """Return what checks the fields of a model without making an instance, which would take as long again."""
    whole: Any = model.__pydantic_core_schema__
    inner = whole["schema"] if whole["type"] == "definitions" else whole
    fields = whole | {"schema": inner["schema"]} if whole["type"] == "definitions" else inner["schema"]
    return SchemaValidator(fields, inner["config"])  # of the model: what it says holds within the fields, too


def _validate(
    validator: SchemaValidator, model: type[BaseModel], renamed: Mapping[str, str], arguments: dict[str, Any]
) -> dict[str, Any]:
    values: dict[str, Any]
    try:
        values, _, _ = validator.validate_python(arguments)
    except ValidationError as error:
        values = _second_try(model, arguments, error)
    return {renamed.get(field, field): value for field, value in values.items()} if renamed else values


def _second_try(model: type[BaseModel], arguments: dict[str, Any], error: ValidationError) -> dict[str, Any]:
    """Take lists and objects that came as JSON in a string: some clients send all of them like that."""
    wrong = {each["loc"][0] for each in error.errors(include_url=False) if each["loc"]}
    parsed = {
        key: _parsed(value) if key in wrong and isinstance(value, str) else value for key, value in arguments.items()
    }
    if parsed != arguments:
        try:
            values: dict[str, Any] = model.__pydantic_validator__.validate_python(parsed).__dict__
            return values
        except ValidationError as second:  # which doesn't name what only had to be parsed
            raise InvalidArguments(describe(second, model)) from second
    raise InvalidArguments(describe(error, model)) from error


def _parsed(text: str) -> Any:
    try:
        value = from_json(text)
    except ValueError:
        return text
    return value if isinstance(value, list | dict) else text


def describe(error: ValidationError, model: type[BaseModel] | None = None) -> str:
    """Say in plain words what is wrong with which argument."""
    lines = []
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        where = ".".join(map(str, each["loc"])) or "the arguments"
        if each["type"] == "extra_forbidden":
            lines.append(f"{where}: there is no such argument")
        elif each["type"] == "missing":
            lines.append(f"{where}: is required")
        else:
            lines.append(f"{where}: {each['msg']}")
    if model is not None and any(line.endswith("no such argument") for line in lines):
        known = ", ".join(info.alias or name for name, info in model.model_fields.items())
        lines.append(f"known arguments: {known or 'none'}")
    return "Invalid arguments: " + "; ".join(lines) + "."


def _validate_raw(
    validator: Draft202012Validator, known: frozenset[str] | None, arguments: dict[str, Any]
) -> dict[str, Any]:
    lines = [_raw_line(error) for error in sorted(validator.iter_errors(arguments), key=lambda error: error.json_path)]
    if known is not None and not lines:
        lines = [f"{name}: there is no such argument" for name in sorted(arguments.keys() - known)]
    if lines:
        raise InvalidArguments("Invalid arguments: " + "; ".join(lines) + ".")
    return dict(arguments)


def _raw_line(error: Any) -> str:
    """Say where an argument breaks which rule of the schema, without its value."""
    where = ".".join(map(str, error.absolute_path)) or "the arguments"
    if error.validator == "required":
        return f"{where}: {error.message}"
    if error.validator == "additionalProperties" and error.validator_value is False:
        unknown = sorted(set(error.instance) - set(error.schema.get("properties", ())))
        return "; ".join(f"{name}: there is no such argument" for name in unknown)
    rule = str(error.validator_value)
    return f"{where}: must satisfy {error.validator}{f' {rule}' if len(rule) <= 80 else ''}"
