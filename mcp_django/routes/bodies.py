"""The input of a route: how large it may be, and what pydantic makes of a JSON body and of the query string."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, QueryDict, UnreadablePostError

from mcp_django.conf import get_settings
from mcp_django.registry import RouteDeclaration
from mcp_django.routes.problems import FieldError, Problem

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

MAX_FIELDS = 50
"""Most fields that one refusal names."""

MAX_FIELD_CHARACTERS = 100
"""A name that the client chose is cut off after so many."""

_JSON = re.compile(r"application/(?:[\w.+-]+\+)?json")  # RFC 8259, RFC 6839 §3.1


def limit_body(request: HttpRequest, declaration: RouteDeclaration) -> int:
    """Keep whatever reads the body from reading more than is allowed, and return how much that is, in bytes.

    ``DATA_UPLOAD_MAX_MEMORY_SIZE`` counts for all but uploads, as in Django, which doesn't apply it to a body without a
    ``Content-Length``.

    Raises:
        Problem: 413, when the length given is larger.
    """
    limit = declaration.max_body_bytes or get_settings().MAX_BODY_BYTES
    in_memory = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if in_memory and request.content_type != "multipart/form-data":
        limit = min(limit, in_memory)
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    if length.isascii() and length.isdigit() and int(length[:20]) > limit:
        raise too_large(limit)
    request.read = _Limited(request, request.read, limit)  # type: ignore[method-assign]
    return limit


class _Limited:
    """``HttpRequest.read`` with an end. Once Django has the whole body in memory, there is nothing left to limit."""

    def __init__(self, request: HttpRequest, read: Callable[..., bytes], limit: int) -> None:
        self._request, self._read, self._left, self._limit = request, read, limit, limit

    def __call__(self, size: int | None = -1, /) -> bytes:
        if hasattr(self._request, "_body"):
            return self._read(size)
        most = self._left + 1
        data = self._read(most if size is None or size < 0 else min(size, most))
        self._left -= len(data)
        if self._left < 0:
            raise RequestDataTooBig(f"The body is larger than {self._limit} bytes.")
        return data


def read_body(request: HttpRequest, kind: Any) -> Any:
    """Read a JSON body, and return what a type makes of it. For a thread: it may wait for the client.

    Raises:
        Problem: 400, when it is no JSON, or not what the type asks for.
        RequestDataTooBig: it is too large.
    """
    if not _JSON.fullmatch((request.content_type or "").lower()):
        message = "The body must be JSON: send it with the Content-Type application/json."
        raise Problem(400, message, errors=[FieldError(field="", detail=message)])
    try:
        body = request.body
    except UnreadablePostError:
        raise Problem(400, "The body could not be read to its end.") from None
    adapter, invalid, _ = _adapter_of(kind)
    try:
        return adapter.validate_json(body)
    except invalid as error:
        raise _refusal("body", error) from None


def read_query(query: QueryDict, kind: Any) -> Any:
    """Return what a type makes of a query string. Of a name that comes several times, lists take all, others the last.

    Raises:
        Problem: 400, when it is not what the type asks for.
    """
    adapter, invalid, lists = _adapter_of(kind)
    given = {name: query.getlist(name) if name in lists else query[name] for name in query}
    try:
        return adapter.validate_python(given)
    except invalid as error:
        raise _refusal("query", error) from None


@lru_cache(maxsize=512)
def _adapter_of(kind: Any) -> tuple[TypeAdapter[Any], type[ValidationError], frozenset[str]]:
    """Return what validates a type, what that raises, and the fields that are lists."""
    from pydantic import TypeAdapter, ValidationError

    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    return adapter, ValidationError, _lists_of(adapter)


def _lists_of(adapter: TypeAdapter[Any]) -> frozenset[str]:
    schema = adapter.json_schema(mode="validation")
    top = schema.get("$defs", {}).get(schema.get("$ref", "").rpartition("/")[2], schema)
    return frozenset(name for name, each in top.get("properties", {}).items() if _takes_lists(each))


def _takes_lists(schema: Any) -> bool:
    return schema.get("type") == "array" or any(_takes_lists(each) for each in schema.get("anyOf", ()))


def _refusal(where: str, error: ValidationError) -> Problem:
    """Name the fields. What the client sent is never repeated: it may be a secret."""
    found = error.errors(include_url=False, include_context=False, include_input=False)[:MAX_FIELDS]
    errors = [FieldError(field=_name_of(each["loc"]), detail=each["msg"]) for each in found]
    if any(each["type"] == "json_invalid" for each in found):
        return Problem(400, "The body is no JSON.", errors=errors)
    names = ", ".join(dict.fromkeys(each["field"] for each in errors if each["field"]))
    return Problem(400, f"The {where} is not valid{': ' if names else ''}{names}.", errors=errors)


def _name_of(place: tuple[int | str, ...]) -> str:
    return ".".join(map(str, place))[:MAX_FIELD_CHARACTERS]


def too_large(limit: int) -> Problem:
    """Return the refusal of a body that is too large."""
    return Problem(413, f"The body is larger than {limit} bytes.")
