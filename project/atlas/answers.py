"""What tools and resources answer: their output schemas come from these models, descriptions included.

A model reads an instance of its Django counterpart: ``CityFound.model_validate(city)``. Fields that aren't here are
never sent.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict, Field

from project.atlas.models import Continent
from project.atlas.trips import legs

if TYPE_CHECKING:
    from project.atlas.models import City, Country, Stop, Trip


class Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class CountryNamed(Answer):
    iso: str = Field(description="ISO 3166-1 code of two letters.")
    name: str


class CityFound(Answer):
    """A city as a search finds it."""

    id: int = Field(description="GeoNames id, which other tools take.")
    name: str
    country: CountryNamed
    latitude: float = Field(description="Degrees, north of the equator positive.")
    longitude: float = Field(description="Degrees, east of Greenwich positive.")
    population: int
    timezone: str = Field(description="Name in the IANA database.")


class CityNearby(CityFound):
    """A city and how far away it is."""

    distance_km: float = Field(description="As the crow flies.")

    @classmethod
    def at(cls, city: City, kilometres: float) -> Self:
        """Describe a city, ``kilometres`` away."""
        return cls(**CityFound.model_validate(city).model_dump(), distance_km=_rounded(kilometres))


class CityDetail(CityFound):
    """All that is known of a city."""

    admin1: str = Field(description="Code of the first-level division, as GeoNames has it.")
    names: list[str] = Field(description="In all languages, lower case, without accents.")

    @classmethod
    def of(cls, city: City) -> Self:
        """Describe a city. Reads its names from the database."""
        names = list(city.names.order_by("folded").values_list("folded", flat=True))
        return cls(**CityFound.model_validate(city).model_dump(), admin1=city.admin1, names=names)


class CountryCompared(Answer):
    """The figures of a country that comparisons are about."""

    iso: str
    name: str
    continent: Continent
    capital: str
    population: int
    area_km2: int
    density_per_km2: float | None = Field(description="Inhabitants of a square kilometre; null: area unknown.")
    currency_code: str = Field(description="ISO 4217.")
    currency_name: str


class CountryDetail(CountryCompared):
    """All that is known of a country."""

    iso3: str
    phone: str = Field(description="Calling code.")
    languages: list[str] = Field(description="IETF language tags.")
    neighbours: list[CountryNamed] = Field(description="Countries with a common border on land.")
    largest_cities: list[CityFound]

    @classmethod
    def of(cls, country: Country) -> Self:
        """Describe a country. Reads its neighbours and cities from the database."""
        return cls(
            **CountryCompared.model_validate(country).model_dump(),
            iso3=country.iso3,
            phone=country.phone,
            languages=country.languages,
            neighbours=[CountryNamed.model_validate(each) for each in country.neighbours.all()],
            largest_cities=[CityFound.model_validate(each) for each in country.cities.select_related("country")[:5]],
        )


class TripSummary(Answer):
    """A trip without its stops."""

    id: int
    title: str
    created: datetime


class StopPlanned(Answer):
    position: int
    city: CityFound
    nights: int


class Leg(Answer):
    start: str
    end: str
    distance_km: float


class TripPlanned(TripSummary):
    """A trip with its stops, in order, and the legs between them."""

    stops: list[StopPlanned]
    legs: list[Leg]
    total_km: float
    total_nights: int

    @classmethod
    def of(cls, trip: Trip) -> Self:
        """Describe a trip. Reads the stops from the database unless ``trips.with_stops`` has."""
        stops: list[Stop] = list(trip.stops.all())
        ways = legs(stops)
        return cls(
            **TripSummary.model_validate(trip).model_dump(),
            stops=[StopPlanned.model_validate(stop) for stop in stops],
            legs=[Leg(start=here.name, end=there.name, distance_km=_rounded(km)) for here, there, km in ways],
            total_km=_rounded(sum(km for _, _, km in ways)),
            total_nights=sum(stop.nights for stop in stops),
        )


class LonelyCity(Answer):
    """A city and the one that is nearest to it."""

    city: CityFound
    nearest: CityFound
    distance_km: float

    @classmethod
    def of(cls, city: City, nearest: City, kilometres: float) -> Self:
        """Describe two cities, ``kilometres`` apart."""
        return cls(
            city=CityFound.model_validate(city),
            nearest=CityFound.model_validate(nearest),
            distance_km=_rounded(kilometres),
        )


class Spread(Answer):
    """The two cities of a country that are farthest apart."""

    country: CountryNamed
    cities: int = Field(description="How many were looked at.")
    start: str
    end: str
    distance_km: float


class About(Answer):
    """What the atlas holds."""

    countries: int
    cities: int
    names: int
    trips: int
    source: str


def _rounded(kilometres: float) -> float:
    return round(kilometres, 1)
