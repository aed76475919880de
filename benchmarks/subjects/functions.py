"""The functions that both sides serve as tools: the very same objects, so only the servers differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import sleep
from types import MappingProxyType
from typing import Any

from django.db import connection
from typing_extensions import TypedDict

from benchmarks.subjects.models import City


class CityFacts(TypedDict):
    """What the tools say of a city."""

    id: int
    name: str
    country: str
    population: int


async def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def add_sync(a: int, b: int) -> int:
    """Add two numbers in a thread."""
    return a + b


async def city_async(city_id: int) -> CityFacts:
    """Read a row with the ORM's async methods."""
    return _facts(await City._default_manager.aget(pk=city_id))


def city_sync(city_id: int) -> CityFacts:
    """Read a row with the ORM in a thread."""
    return _facts(City._default_manager.get(pk=city_id))


def slow(seconds: float) -> int:
    """Wait for a query that takes its time, as one of a database over the network does."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT 1 FROM pg_sleep(%s)", [seconds])
            return int(cursor.fetchone()[0])
        connection.connection.create_function("wait", 1, sleep)  # lets other threads run meanwhile
        cursor.execute("SELECT COALESCE(wait(%s), 1)", [seconds])
        return int(cursor.fetchone()[0])


def _facts(city: City) -> CityFacts:
    return CityFacts(id=city.pk, name=city.name, country=city.country, population=city.population)


FUNCTIONS: tuple[Callable[..., Any], ...] = (add, add_sync, city_async, city_sync, slow)

ARGUMENTS: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "add": {"a": 2, "b": 3},
        "add_sync": {"a": 2, "b": 3},
        "add_aloud": {"a": 2, "b": 3},
        "city_async": {"city_id": 1},
        "city_sync": {"city_id": 1},
        "slow": {"seconds": 0.1},
    }
)
"""What each tool is called with."""

STRUCTURED: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "add": {"result": 5},
        "add_sync": {"result": 5},
        "add_aloud": {"result": 5},
        "city_async": {"id": 1, "name": "Ulm", "country": "DE", "population": 126_000},
        "city_sync": {"id": 1, "name": "Ulm", "country": "DE", "population": 126_000},
        "slow": {"result": 1},
    }
)
"""What each tool answers then, as ``structuredContent``. A server that answers anything else is not measured."""
