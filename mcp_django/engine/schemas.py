"""The SDK's schema of each request and result in its revision (``mcp_types.methods``), made when one is first needed.

The models of all revisions take longer to make than Django to start, and what clients usually send is known without
them (``params.py``, ``results.to_result``): over stdio most sessions need none.
"""

from __future__ import annotations

from functools import cache
from types import UnionType
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter


def request_schema(method: str, version: str) -> type[BaseModel] | None:
    """Return the schema of a request; ``None``: the revision has no such method."""
    from mcp_types.methods import CLIENT_REQUESTS

    return CLIENT_REQUESTS.get((method, version))


def result_schema(method: str, version: str, result: dict[str, Any]) -> TypeAdapter[Any]:
    """Return the schema of a result.

    Where it may be a question as well (2026-07-28), only the form that is meant: a question needs no member, so any
    mistake would pass for one.
    """
    from mcp_types.methods import is_input_required

    return _result_schema(method, version, is_input_required(result))


@cache
def _result_schema(method: str, version: str, question: bool) -> TypeAdapter[Any]:  # noqa: FBT001
    from mcp_types.methods import SERVER_RESULTS

    row = SERVER_RESULTS[method, version]
    return TypeAdapter(get_args(row)[question] if isinstance(row, UnionType) else row)
