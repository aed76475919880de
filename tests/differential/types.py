"""The types of what tools take and give."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from pydantic import BaseModel, Field
from typing_extensions import TypedDict

PNG = b"\x89PNG\r\n\x1a\n"


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 2


class Place(BaseModel):
    """Somewhere."""

    name: str = Field(description="What people call it")
    population: int = Field(ge=0)
    nickname: str | None = None


class Tree(BaseModel):
    label: str
    children: list[Tree] = []


class Aliased(BaseModel):
    wire_name: str = Field(alias="wireName")


@dataclass
class Point:
    x: float
    y: float = 0.0


class Row(TypedDict):
    key: str
    value: int


class Sparse(TypedDict, total=False):
    note: str
