"""Tools that both servers serve: every kind of parameter."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from tests.differential.types import Colour, Place, Point, Row, Size, Tree


async def take_nothing() -> str:
    return "nothing"


async def take_scalars(a: int, b: float = 0.5, c: bool = False, d: str = "d") -> str:
    return f"{a} {b} {c} {d}"


async def take_limits(
    count: Annotated[int, Field(ge=1, le=10, description="How many")],
    code: Annotated[str, Field(pattern="^[A-Z]{2}$", min_length=2)] = "NO",
) -> str:
    return f"{count} {code}"


async def take_enum(colour: Colour, size: Size = Size.SMALL) -> str:
    return f"{colour.name} {size.name}"


async def take_literal(mode: Literal["fast", "slow"] = "fast") -> str:
    return mode


async def take_optional(a: int | None = None, b: str | None = None) -> str:
    return f"{a!r} {b!r}"


async def take_union(a: int | str) -> str:
    return f"{type(a).__name__} {a}"


async def take_lists(numbers: list[int], pairs: list[tuple[str, int]] | None = None) -> str:
    return f"{numbers} {pairs}"


async def take_model(place: Place) -> str:
    return f"{type(place).__name__} {place.name}"


async def take_models(places: list[Place]) -> int:
    return len(places)


async def take_tree(tree: Tree) -> str:
    return tree.label


async def take_dataclass(point: Point) -> str:
    return f"{point.x} {point.y}"


async def take_typed_dict(row: Row) -> str:
    return row["key"]


async def take_dict(data: dict[str, int]) -> int:
    return sum(data.values())


async def take_any(data: Any) -> str:
    return type(data).__name__


async def take_moment(moment: datetime, day: date | None = None) -> str:
    return f"{moment.isoformat()} {day}"


async def take_decimal(amount: Decimal, key: UUID | None = None) -> str:
    return f"{amount} {key}"


async def take_pydantic_names(copy: int, schema: str = "s", json: str = "j") -> str:
    return f"{copy} {schema} {json}"


async def take_secret(password: str, tries: int) -> str:
    return "never shown"


async def take_mirrored(
    region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})],
    zone: Annotated[int, Field(json_schema_extra={"x-mcp-header": "Zone"})] = 0,
    strict: Annotated[bool, Field(json_schema_extra={"x-mcp-header": "Strict"})] = False,
    note: str = "",
) -> str:
    return f"{region} {zone} {strict} {note}"
