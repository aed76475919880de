"""``resources/*``: reading what is at a URI."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, InputRequiredResult

from mcp_django.engine.access import admitted_resource
from mcp_django.engine.content import Media
from mcp_django.engine.errors import NotThere, explain
from mcp_django.engine.outputs import Output
from mcp_django.engine.results import plain_json
from mcp_django.engine.signatures import InvalidArguments
from mcp_django.exceptions import ProtocolError, ResourceError

if TYPE_CHECKING:
    from mcp_django.engine.compile import Resource
    from mcp_django.engine.exchange import Exchange

RESOURCE_NOT_FOUND = -32002
"""What the handshake revisions answer (2025-11-25, server/resources, Error Handling); 2026-07-28 retired it."""


@dataclass(frozen=True, slots=True)
class ResourceContent:
    """What was read: text or bytes, and their MIME type."""

    content: str | bytes
    mime_type: str
    meta: Mapping[str, Any] | None = None

    def wire(self, uri: str) -> dict[str, Any]:
        """Make the wire form: ``text``, or ``blob`` in base64."""
        wire: dict[str, Any] = {"uri": uri, "mimeType": self.mime_type}
        if isinstance(self.content, bytes):
            wire["blob"] = b64encode(self.content).decode("ascii")
        else:
            wire["text"] = self.content
        return wire | {"_meta": dict(self.meta)} if self.meta else wire


def to_contents(
    value: Any, *, mime_type: str | None, output: Output | None, name: str, meta: Mapping[str, Any] | None = None
) -> list[ResourceContent] | InputRequiredResult:
    """Make contents of what a resource returned.

    A string is ``text/plain``, bytes are ``application/octet-stream``, anything else becomes JSON, unless the
    declaration says otherwise.

    Raises:
        Unserialisable: JSON can't hold it, or it is a model or a QuerySet without a declared type.
        pydantic.ValidationError: it doesn't fit the declared type.
    """
    if isinstance(value, InputRequiredResult):
        return value
    if isinstance(value, ResourceContent):
        return [value]
    if isinstance(value, list) and value and all(isinstance(item, ResourceContent) for item in value):
        return value
    if isinstance(value, Media):
        return [ResourceContent(value.read(), mime_type or value.mime_type, meta)]
    if isinstance(value, bytes):
        return [ResourceContent(value, mime_type or "application/octet-stream", meta)]
    if isinstance(value, str):
        return [ResourceContent(value, mime_type or "text/plain", meta)]
    return [ResourceContent(plain_json(value, output, name), mime_type or "application/json", meta)]


async def read(exchange: Exchange) -> dict[str, Any]:
    """Answer ``resources/read``.

    Raises:
        ProtocolError: nothing is there, or reading it failed.
    """
    uri: str = (exchange.params or {})["uri"]
    try:
        contents, resource = await _read(uri, exchange)
    except NotThere as error:
        code = INVALID_PARAMS if exchange.modern else RESOURCE_NOT_FOUND
        raise ProtocolError(code, str(error), {"uri": uri}) from error
    except ResourceError as error:
        code = INVALID_PARAMS if isinstance(error.__cause__, InvalidArguments) else INTERNAL_ERROR
        raise ProtocolError(code, str(error), {"uri": uri}) from error
    if isinstance(contents, InputRequiredResult):
        return contents.model_dump(by_alias=True, mode="json", exclude_none=True)
    return {
        "contents": [content.wire(uri) for content in contents],
        "ttlMs": round(resource.declaration.cache_seconds * 1000),
        "cacheScope": "private" if _is_restricted(resource, exchange) else resource.declaration.cache_scope,
    }


async def read_nested(uri: str, exchange: Exchange) -> list[ResourceContent]:
    """Read a resource on behalf of a function that is at work.

    Raises:
        ResourceError: nothing is there, or reading it failed.
    """
    try:
        contents, _ = await _read(uri, replace(exchange, parent=exchange))
    except NotThere as error:
        raise ResourceError(str(error)) from error
    if isinstance(contents, InputRequiredResult):
        raise ResourceError(f"Resource {uri!r} asks the client a question, so another function can't read it.")
    return contents


def _is_restricted(resource: Resource, exchange: Exchange) -> bool:
    """Whether only some may read it: then no proxy may hand one reader's copy to another."""
    return exchange.engine.access["resource", resource.key].restricted


async def _read(uri: str, exchange: Exchange) -> tuple[list[ResourceContent] | InputRequiredResult, Resource]:
    found = await admitted_resource(uri, exchange)
    if found is None:
        exchange.failure = exchange.failure or "unknown"
        raise NotThere(uri)
    resource, raw = found
    exchange.component, exchange.key = resource.declaration.name, resource.key
    exchange.failure = ""  # of what was tried before it
    try:
        arguments = resource.signature.validate(raw)
        return await resource.runner.run(arguments, exchange), resource
    except (Http404, ObjectDoesNotExist) as error:
        exchange.failure = type(error).__name__
        raise NotThere(uri, str(error)) from error
    except Exception as error:
        exchange.failure = type(error).__name__
        raise explain(error, f"Resource {uri!r}", ResourceError) from error
