"""From declarations to components: what a list shows of them, and how they run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NotRequired

import mcp_types
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_json
from typing_extensions import TypedDict

from mcp_django.engine.errors import NotThere
from mcp_django.engine.execution import Runner, flavour_of
from mcp_django.engine.outputs import Output, read_output
from mcp_django.engine.prompts import to_messages
from mcp_django.engine.resources import to_contents
from mcp_django.engine.results import to_result
from mcp_django.engine.signatures import Docstring, Signature, read_docstring, read_raw_schema, read_signature
from mcp_django.exceptions import InvalidDeclaration
from mcp_django.registry import Declaration, PromptDeclaration, ResourceDeclaration, ToolDeclaration

if TYPE_CHECKING:
    from mcp.shared.uri_template import UriTemplate

_ObjectSchema = TypedDict(
    "_ObjectSchema",
    {
        "$schema": NotRequired[str],
        "type": Literal["object"],
        "properties": NotRequired[dict[str, dict[str, Any] | bool]],
        "required": NotRequired[list[str]],
    },
)
_OBJECT_SCHEMA = TypeAdapter(_ObjectSchema)
"""What every revision takes for the schema of a tool's arguments, and of its structured content."""

HEADER_KEY = "x-mcp-header"
"""What a property of a schema says when it is mirrored in a header (2026-07-28, transports, Custom Headers)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """What tools, resources and prompts have in common."""

    declaration: Declaration
    listing: dict[str, Any]
    """The item of a list, as it is sent."""

    signature: Signature
    runner: Runner

    @property
    def key(self) -> str:
        return self.declaration.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool(Component):
    """A tool, ready to be called."""

    output: Output | None
    mirrored: bool
    """Whether an argument must also stand in an ``Mcp-Param-*`` header (2026-07-28, transports, Custom Headers)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource(Component):
    """A resource, or a template of many, ready to be read."""

    declaration: ResourceDeclaration
    template: UriTemplate | None

    def match(self, uri: str) -> dict[str, Any] | None:
        """Return the parameters that ``uri`` gives the template; ``None`` when it is of another form.

        Raises:
            NotThere: a parameter would lead out of where it belongs: ``..``, an absolute path, a NUL.
        """
        if self.template is None or (found := self.template.match(uri)) is None:
            return None
        from mcp.server.mcpserver import DEFAULT_RESOURCE_SECURITY

        if DEFAULT_RESOURCE_SECURITY.validate(found) is not None:
            raise NotThere(uri)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt(Component):
    """A prompt, ready to be rendered."""

    declaration: PromptDeclaration


def compile_tool(declaration: ToolDeclaration) -> Tool:
    """Make a tool of its declaration. Raises ``InvalidDeclaration``."""
    docstring = read_docstring(declaration.fn)
    signature = read_signature(declaration, docstring)
    if declaration.input_schema is not None:
        schema = dict(declaration.input_schema)
        signature = replace(signature, schema=schema, validate=read_raw_schema(declaration, schema, signature))
    output = read_output(declaration, _returned(declaration, signature), wanted=declaration.structured_output)
    hints = {
        "readOnlyHint": declaration.read_only,
        "destructiveHint": declaration.destructive,
        "idempotentHint": declaration.idempotent,
        "openWorldHint": declaration.open_world,
    }
    listing = _listing(declaration, docstring) | _present(
        inputSchema=signature.schema,
        outputSchema=output.schema if output else None,
        annotations=_present(**hints) or None,
    )
    _check_listing(mcp_types.Tool, listing, declaration)
    finish = partial(to_result, output=output, tool=declaration.name)
    return Tool(
        declaration=declaration,
        listing=listing,
        signature=signature,
        runner=_runner(declaration, signature, finish, declaration.timeout, declaration.atomic),
        output=output,
        mirrored=_is_mirrored(declaration, signature.schema),
    )


def compile_resource(declaration: ResourceDeclaration) -> Resource:
    """Make a resource or a template of its declaration.

    Raises:
        InvalidDeclaration: the template is no RFC 6570, or its parameters aren't the function's.
    """
    where = f"resource {declaration.uri!r} in {declaration.module}"
    docstring = read_docstring(declaration.fn)
    signature = read_signature(declaration, docstring)
    template = _parse_template(declaration, where)
    _match_parameters(where, signature, template)
    mime_type = declaration.mime_type
    annotations = _model(mcp_types.Annotations, declaration.annotations, where) if declaration.annotations else None
    listing = _listing(declaration, docstring) | _present(
        **{"uriTemplate" if template else "uri": declaration.uri},
        mimeType=mime_type,
        annotations=annotations,
        size=None if template else declaration.size,
    )
    _check_listing(mcp_types.ResourceTemplate if template else mcp_types.Resource, listing, declaration)
    output = read_output(declaration, _returned(declaration, signature), wanted=None)
    finish = partial(
        to_contents, mime_type=mime_type, output=output, name=declaration.name, meta=declaration.meta or None
    )
    return Resource(
        declaration=declaration,
        listing=listing,
        signature=signature,
        runner=_runner(declaration, signature, finish, declaration.timeout, declaration.atomic),
        template=template,
    )


def _parse_template(declaration: ResourceDeclaration, where: str) -> UriTemplate | None:
    if not declaration.is_template:
        return None
    from mcp.shared.uri_template import InvalidUriTemplate, UriTemplate

    try:
        return UriTemplate.parse(declaration.uri)
    except InvalidUriTemplate as error:
        raise InvalidDeclaration(f"{where}: {error}") from error


def compile_prompt(declaration: PromptDeclaration) -> Prompt:
    """Make a prompt of its declaration. Raises ``InvalidDeclaration``."""
    docstring = read_docstring(declaration.fn)
    signature = read_signature(declaration, docstring)
    required = signature.schema.get("required", ())
    arguments = [
        _present(name=name, title=None, description=schema.get("description")) | {"required": name in required}
        for name, schema in signature.schema.get("properties", {}).items()
    ]
    listing = _listing(declaration, docstring) | _present(arguments=arguments or None)
    _check_listing(mcp_types.Prompt, listing, declaration)
    finish = partial(to_messages, name=declaration.name)
    return Prompt(
        declaration=declaration,
        listing=listing,
        signature=signature,
        runner=_runner(declaration, signature, finish, declaration.timeout, declaration.atomic),
    )


def _check_listing(model: type[BaseModel], listing: dict[str, Any], declaration: Declaration) -> None:
    """See that the item is what every revision lists, as it is: one that isn't would take the whole list with it."""
    try:
        model.__pydantic_validator__.validate_json(to_json(listing), strict=True, by_name=False)
        for schema in (listing.get("inputSchema"), listing.get("outputSchema")):
            if schema is not None:
                _OBJECT_SCHEMA.validate_json(to_json(schema), strict=True)
    except (ValidationError, PydanticSerializationError, ValueError) as error:
        where = f"{declaration.kind} {declaration.name!r} in {declaration.module}"
        raise InvalidDeclaration(f"{where} can't be listed: {error}") from error


def _is_mirrored(declaration: ToolDeclaration, schema: dict[str, Any]) -> bool:
    """Whether an argument is mirrored in a header. Raises ``InvalidDeclaration``: one that can't be says that it is."""
    if HEADER_KEY.encode() not in to_json(schema):
        return False
    from mcp.shared.inbound import find_invalid_x_mcp_header, x_mcp_header_map

    if (reason := find_invalid_x_mcp_header(schema)) is not None:
        raise InvalidDeclaration(f"tool {declaration.name!r} in {declaration.module}: {reason}.")
    return bool(x_mcp_header_map(schema))


def _returned(declaration: ToolDeclaration | ResourceDeclaration, signature: Signature) -> Any:
    return signature.returns if declaration.output is None else declaration.output


def _runner(
    declaration: Declaration,
    signature: Signature,
    finish: Any,
    timeout: float | None,
    atomic: bool | None,  # noqa: FBT001
) -> Runner:
    return Runner(
        fn=declaration.fn,
        flavour=flavour_of(declaration.fn),
        context_parameters=signature.context_parameters,
        finish=finish,
        timeout=timeout,
        atomic=atomic,
    )


def _match_parameters(where: str, signature: Signature, template: UriTemplate | None) -> None:
    wanted = set(template.variable_names) if template else set()
    taken = {parameter.name for parameter in signature.parameters}
    needed = {each.name for each in signature.parameters if each.default is each.empty}
    optional = needed & set(template.query_variable_names) if template else set()
    if missing := wanted - taken:
        raise InvalidDeclaration(f"{where}: the function has no parameter {_names(missing)}.")
    if extra := needed - wanted:
        raise InvalidDeclaration(f"{where}: nothing in the URI fills the parameter {_names(extra)}.")
    if optional:
        raise InvalidDeclaration(f"{where}: {_names(optional)} may be missing from the URI, so it needs a default.")


def _names(names: set[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names))


def _listing(declaration: Declaration, docstring: Docstring) -> dict[str, Any]:
    where = f"{declaration.kind} {declaration.name!r} in {declaration.module}"
    meta = dict(declaration.meta)
    if declaration.tags:
        meta.setdefault("tags", sorted(declaration.tags))
    return _present(
        name=declaration.name,
        title=declaration.title,
        description=(docstring.text if declaration.description is None else declaration.description) or None,
        icons=[to_icon(icon, where) for icon in declaration.icons] or None,
        _meta=meta or None,
    )


def to_icon(icon: Any, where: str) -> dict[str, Any]:
    """Make the wire form of an icon: a URL, a dict, or the SDK's object. Raises ``InvalidDeclaration``."""
    return _model(mcp_types.Icon, {"src": icon} if isinstance(icon, str) else icon, where)


def _model(cls: type[BaseModel], value: Any, where: str) -> dict[str, Any]:
    try:
        checked = value if isinstance(value, cls) else cls.model_validate(value)
    except ValidationError as error:
        raise InvalidDeclaration(f"{where}: {value!r} is not what the specification calls {cls.__name__}.") from error
    return checked.model_dump(by_alias=True, mode="json", exclude_none=True)


def _present(**members: Any) -> dict[str, Any]:
    return {key: value for key, value in members.items() if value is not None}
