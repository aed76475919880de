"""Tools that both servers serve: every kind of result."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from mcp.server.mcpserver import Audio, Image
from mcp_types import (
    BlobResourceContents,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from tests.differential.types import PNG, Aliased, Colour, Place, Point, Row, Sparse, Tree


async def give_text() -> str:
    return "text"


def give_text_from_a_thread() -> str:
    return "thread"


async def give_empty_text() -> str:
    return ""


async def give_unicode() -> str:
    return "żółć \u2028 \U0001f600"


async def give_int() -> int:
    return 7


async def give_big_int() -> int:
    return 10**30


async def give_float() -> float:
    return 1.5


async def give_nan() -> float:
    return float("nan")


async def give_bool() -> bool:
    return True


async def give_none() -> None:
    return None


async def give_unannotated():  # type: ignore[no-untyped-def]
    return {"a": [1, 2]}


async def give_any() -> Any:
    return ["a", 1, None]


async def give_model() -> Place:
    return Place(name="Oslo", population=709_037)


async def give_models() -> list[Place]:
    return [Place(name="Oslo", population=709_037), Place(name="Bergen", population=291_940, nickname="B")]


async def give_no_models() -> list[Place]:
    return []


async def give_tree() -> Tree:
    return Tree(label="a", children=[Tree(label="b")])


async def give_aliased() -> Aliased:
    return Aliased(wireName="w")


async def give_dict() -> dict[str, Any]:
    return {"a": 1, "b": {"c": None}}


async def give_dict_of_ints() -> dict[str, int]:
    return {"a": 1}


async def give_int_keys() -> dict[int, str]:
    return {1: "a"}


async def give_bare_dict() -> dict:  # type: ignore[type-arg]
    return {"a": 1}


async def give_list() -> list[int]:
    return [1, 2, 3]


async def give_nested_lists() -> list[list[int]]:
    return [[1], [2, 3]]


async def give_tuple() -> tuple[int, str]:
    return (1, "a")


async def give_dataclass() -> Point:
    return Point(1.0)


async def give_dataclasses() -> list[Point]:
    return [Point(1.0), Point(2.0, 3.0)]


async def give_typed_dict() -> Row:
    return {"key": "k", "value": 1}


async def give_typed_dicts() -> list[Row]:
    return [{"key": "k", "value": 1}]


async def give_sparse() -> Sparse:
    return {}


async def give_enum() -> Colour:
    return Colour.GREEN


async def give_literal() -> Literal["a", "b"]:
    return "b"


async def give_optional() -> int | None:
    return None


async def give_union() -> int | str:
    return "u"


async def give_optional_model() -> Place | None:
    return None


async def give_datetime() -> datetime:
    return datetime(2026, 7, 28, 12, 0, tzinfo=UTC)


async def give_date_and_uuid() -> dict[str, date | UUID]:
    return {"day": date(2026, 7, 28), "id": UUID(int=1)}


async def give_decimal() -> Decimal:
    return Decimal("1.10")


async def give_image() -> Image:
    return Image(data=PNG, format="png")


async def give_audio() -> Audio:
    return Audio(data=b"RIFF", format="wav")


async def give_mixed() -> list[Any]:
    return ["text", Image(data=PNG, format="jpeg"), {"a": 1}, TextContent(type="text", text="block")]


async def give_blocks() -> list[TextContent | ImageContent]:
    return [TextContent(type="text", text="block"), ImageContent(type="image", data="AAAA", mime_type="image/png")]


async def give_embedded_text() -> EmbeddedResource:
    contents = TextResourceContents(uri="atlas://countries/NO", mime_type="text/plain", text="Norway")
    return EmbeddedResource(type="resource", resource=contents)


async def give_embedded_blob() -> EmbeddedResource:
    contents = BlobResourceContents(uri="atlas://flags/NO", mime_type="image/png", blob="AAAA")
    return EmbeddedResource(type="resource", resource=contents)


async def give_link() -> ResourceLink:
    return ResourceLink(type="resource_link", uri="atlas://countries/NO", name="norway", mime_type="text/plain")


async def give_result() -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text="ready")], _meta={"example.org/a": 1})


async def give_failed_result() -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text="no")], is_error=True)


async def give_annotated_result() -> Annotated[CallToolResult, Row]:
    return CallToolResult(content=[], structured_content={"key": "k", "value": 1})


async def give_wrong_annotated_result() -> Annotated[CallToolResult, Row]:
    return CallToolResult(content=[], structured_content={"key": "k"})


async def give_wrong_type() -> Row:
    return {"key": "k", "value": "not a number"}  # type: ignore[typeddict-item]


async def give_unserialisable() -> dict[str, Any]:
    return {"a": object()}
