"""JSON Schemas of what routes take and give, for the OpenAPI document."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable, Iterator
from typing import Any, get_origin

from mcp_django.routes.compilation import Route

_STREAMS = (AsyncGenerator, AsyncIterator, Generator, Iterator)
_REF = "#/components/schemas/{model}"

Key = tuple[int, str]


class Schemas:
    """The schemas of some routes, with what they share.

    ``components`` holds them by name. Two models of one name get names that tell them apart.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        from pydantic import TypeAdapter

        inputs: list[Any] = []
        for place, route in enumerate(routes):
            for part in ("body", "query"):
                if (kind := getattr(route.declaration, part)) is not None:
                    inputs.append(((place, part), "validation", TypeAdapter(kind)))
            if (adapter := _result_adapter(route.handler.returns)) is not None:
                inputs.append(((place, "result"), "serialization", adapter))
        found, shared = TypeAdapter.json_schemas(inputs, ref_template=_REF)
        self._found: dict[Key, Any] = {key: schema for (key, _), schema in found.items()}
        self.components: dict[str, Any] = shared.get("$defs", {})

    def body(self, place: int) -> Any:
        """Return the schema of a route's body; ``None``: it has none."""
        return self._found.get((place, "body"))

    def result(self, place: int) -> Any:
        """Return the schema of what a route answers; ``None``: nothing is known of it."""
        return self._found.get((place, "result"))

    def query(self, place: int) -> list[dict[str, Any]]:
        """Return the parameters of a route's query string, in the form of OpenAPI."""
        schema = self._found.get((place, "query"), {})
        if "$ref" in schema:
            schema = self.components[schema["$ref"].rpartition("/")[2]]
        required = schema.get("required", ())
        return [
            {"name": name, "in": "query", "required": name in required, "schema": each}
            for name, each in schema.get("properties", {}).items()
        ]


def media_type_of(returns: Any) -> str:
    """Return the media type of what a function returns, by its annotation."""
    if returns is str or (get_origin(returns) or returns) in _STREAMS:
        return "text/plain"
    return "application/octet-stream" if returns is bytes else "application/json"


def _result_adapter(returns: Any) -> Any:
    """Return what makes a schema of a return annotation; ``None`` for a response, nothing, or what has no schema."""
    from pydantic import PydanticSchemaGenerationError, PydanticUserError, TypeAdapter

    unknown = returns in (inspect.Signature.empty, Any, None, type(None)) or isinstance(returns, str)
    if unknown or media_type_of(returns) != "application/json":
        return None
    try:
        adapter = TypeAdapter(returns)
        adapter.json_schema(mode="serialization")
    except (PydanticSchemaGenerationError, PydanticUserError, TypeError):  # a response of Django's or Starlette's
        return None
    return adapter
