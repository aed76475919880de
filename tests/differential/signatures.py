"""Signatures of every kind, to compare the schemas that are made of them."""

# mypy: disable-error-code="empty-body"

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NotRequired,
    Optional,
    Required,
    TypeVar,
    Union,
)
from uuid import UUID

from annotated_types import Gt, Len, MaxLen
from mcp.server.mcpserver import Context
from pydantic import (
    AnyUrl,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Json,
    RootModel,
    SecretStr,
    Tag,
    computed_field,
    field_validator,
)
from typing_extensions import TypedDict

T = TypeVar("T")


class Level(enum.StrEnum):
    LOW = "low"
    HIGH = "high"


class Flag(enum.IntFlag):
    A = 1
    B = 2


class Inner(BaseModel):
    """What is inside."""

    model_config = ConfigDict(title="Something else")
    value: int = Field(1, gt=0, description="How much", examples=[1, 2])


class Outer(BaseModel):
    inner: Inner
    others: dict[str, list[Inner]] = Field(default_factory=dict)
    level: Level = Level.LOW


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    a: int


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    a: int


class Aliased(BaseModel):
    inner_name: str = Field(alias="innerName")


class Checked(BaseModel):
    a: int

    @field_validator("a")
    @classmethod
    def check(cls, a: int) -> int:
        return a

    @computed_field
    def double(self) -> int:
        return self.a * 2


class Page(BaseModel, Generic[T]):
    items: list[T]
    total: int


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Tree(BaseModel):
    children: list[Tree] = []


class Numbers(RootModel[list[int]]):
    pass


class Pair(NamedTuple):
    left: int
    right: str = "r"


class Row(TypedDict):
    key: Required[str]
    value: NotRequired[Annotated[int, Field(ge=0)]]


@dataclass
class Point:
    x: float
    tags: list[str] = field(default_factory=list)


async def nothing() -> None: ...
async def plain(a: int, b: str, c: float, d: bool) -> str: ...
async def defaults(a: int = 1, b: str = "b", c: float = 0.5, d: bool = True, e: str | None = None) -> int: ...
async def keyword_only(*, a: int, b: int = 2) -> float: ...
async def context_first(ctx: Context, a: int) -> bool: ...
async def context_last(a: int, *, ctx: Context) -> dict[str, Any]: ...
async def optional_context(a: int, ctx: Context | None = None) -> list[str]: ...
async def old_optional(a: Optional[int], b: Optional[str] = None) -> Optional[int]: ...  # noqa: UP045
async def old_union(a: Union[int, str]) -> Union[int, str]: ...  # noqa: UP007
async def untyped(a, b=1): ...  # type: ignore[no-untyped-def]
async def anything(a: Any, b: Any = None) -> Any: ...
async def collections(a: list[int], b: tuple[int, ...], c: set[str], d: frozenset[str]) -> tuple[int, str]: ...
async def bare_collections(a: list, b: dict, c: tuple) -> list: ...  # type: ignore[type-arg]
async def abstract(a: Sequence[int], b: Mapping[str, int]) -> Sequence[str]: ...
async def mapping() -> Mapping[str, int]: ...
async def dicts(a: dict[str, int], b: dict[int, str], c: dict[str, Any]) -> dict[str, list[int]]: ...
async def dict_of_ints() -> dict[int, str]: ...
async def moments(a: datetime, b: date, c: time, d: timedelta) -> list[datetime]: ...
async def identifiers(a: UUID, b: Path, c: IPv4Address, d: AnyUrl) -> list[UUID]: ...
async def decimals(a: Decimal, b: Decimal = Decimal("1.5")) -> list[Decimal]: ...
async def raw(a: bytes) -> list[bytes]: ...
async def secret(a: SecretStr) -> int: ...
async def parsed(a: Json[list[int]]) -> int: ...
async def enums(a: Level, b: Flag, c: Level = Level.HIGH) -> list[Level]: ...
async def literals(a: Literal["x", 1, True, None], b: Literal["only"]) -> Literal["x", "y"]: ...
async def limits(
    a: Annotated[int, Gt(1)],
    b: Annotated[str, Len(1, 3)],
    c: Annotated[list[int], MaxLen(2)],
    d: Annotated[float, Field(ge=0, lt=1, multiple_of=0.5)],
    e: Annotated[str, Field(pattern="^a", json_schema_extra={"x-note": 1})],
) -> Annotated[int, Field(ge=0, description="Counted")]: ...
async def field_defaults(
    a: int = Field(1, description="A number", title="Number"),
    b: list[int] = Field(default_factory=list),
    c: str = Field(..., min_length=1),
    d: int = Field(deprecated=True, default=1),
) -> str: ...
async def converted(a: Annotated[int, BeforeValidator(int)]) -> int: ...
async def models(outer: Outer, several: list[Outer], maybe: Inner | None = None) -> Outer: ...
async def model_defaults(inner: Inner = Inner(value=3)) -> Inner: ...  # noqa: B008
async def closed_and_open(a: Closed, b: Open) -> Open: ...
async def aliased(a: Aliased) -> Aliased: ...
async def checked(a: Checked) -> Checked: ...
async def generic(a: Page[int]) -> Page[Inner]: ...
async def choice(pet: Annotated[Cat | Dog, Field(discriminator="kind")]) -> Annotated[Cat | Dog, Tag("pet")]: ...
async def recursive(tree: Tree) -> Tree: ...
async def recursive_list(trees: list[Tree]) -> list[Tree]: ...
async def rooted(numbers: Numbers) -> Numbers: ...
async def named_tuple(pair: Pair) -> Pair: ...
async def typed_dict(row: Row) -> Row: ...
async def typed_dicts(rows: list[Row]) -> list[Row]: ...
async def data_class(point: Point) -> Point: ...
async def data_classes(points: list[Point]) -> dict[str, Point]: ...
async def taken_names(copy: int, json: str, dict: str, model_dump: int, validate: bool, construct: str) -> int: ...
async def odd_names(self: int, cls: int, class_: int, type: str, id: int, model: str) -> int: ...
async def optional_model() -> Inner | None: ...
async def union_of_models() -> Inner | Closed: ...
async def nested_unions(a: list[int | str | None], b: dict[str, int | list[str]]) -> list[int | None]: ...
async def not_a_number(a: float = float("inf")) -> float: ...


def described(a: int, b: str = "b") -> str:
    """Says what it does."""
    raise NotImplementedError


DIFFERS: dict[str, str] = {
    "untyped": "untyped-parameter",
    "mapping": "mapping-result",
    "named_tuple": "scalar-schema",
    "raw": "bytes-are-content",
    "rooted": "root-model-result",
    "checked": "serialized-schema",
    "data_class": "dataclass-defaults",
    "decimals": "serialized-schema",
}
"""The known difference that a signature shows, by its name."""

SIGNATURES: tuple[Callable[..., Any], ...] = tuple(
    value
    for value in list(globals().values())
    if callable(value) and getattr(value, "__module__", None) == __name__ and not isinstance(value, type)
)
