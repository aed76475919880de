"""What the atlas offers to AI clients: nine tools, three resources, two prompts, and completions for them."""

from __future__ import annotations

from collections.abc import Generator
from typing import Annotated

from pydantic import Field

from mcp_django import AssistantMessage, Context, Message, Progress, ToolError, UserMessage, mcp
from project.atlas import exports, gazetteer, trips
from project.atlas.answers import (
    About,
    CityDetail,
    CityFound,
    CityNearby,
    CountryCompared,
    CountryDetail,
    CountryNamed,
    LonelyCity,
    Spread,
    TripPlanned,
    TripSummary,
)
from project.atlas.geography import Point
from project.atlas.loneliness import LonelinessSearch, farthest_apart
from project.atlas.models import City, CityName, Continent, Country, Trip

__all__ = ["exports"]  # the custom routes, declared by their import

CountryCode = Annotated[str, Field(pattern="^[A-Za-z]{2}$")]
Limit = Annotated[int, Field(ge=1, le=50)]
Inhabitants = Annotated[int, Field(ge=0)]

# Finding and comparing


@mcp.tool(title="Find cities", read_only=True, public=True, open_world=False)
def find_cities(
    name: Annotated[str, Field(min_length=1, max_length=200)],
    country: CountryCode | None = None,
    limit: Limit = 10,
) -> list[CityFound]:
    """Find cities by a name in any language, or by its beginning, the largest first.

    Args:
        name: With or without accents; airport codes are known as well. "Munich", "München", "MUC" are one city.
        country: ISO code of two letters, to search one country only.
        limit: Most cities to return.
    """
    found = gazetteer.find_by_name(name, country=country, limit=limit)
    return [CityFound.model_validate(city) for city in found]


@mcp.tool(title="Nearest cities", read_only=True, public=True, open_world=False)
async def nearest_cities(
    latitude: Annotated[float, Field(ge=-90, le=90)],
    longitude: Annotated[float, Field(ge=-180, le=180)],
    limit: Limit = 10,
    within_km: Annotated[float, Field(gt=0)] | None = None,
) -> list[CityNearby]:
    """Find the cities nearest to a point, the nearest first.

    Args:
        latitude: Degrees, north of the equator positive.
        longitude: Degrees, east of Greenwich positive.
        limit: Most cities to return.
        within_km: Leave out what is farther away than this.
    """
    found = await gazetteer.find_nearest(Point(latitude, longitude), limit=limit, within_km=within_km)
    return [CityNearby.at(city, kilometres) for city, kilometres in found]


@mcp.tool(title="Compare countries", read_only=True, public=True, open_world=False)
def compare_countries(
    countries: Annotated[list[CountryCode], Field(min_length=2, max_length=10)],
) -> list[CountryCompared]:
    """Put population, area, density and currency of countries side by side, in the order asked for.

    Args:
        countries: ISO codes of two letters.
    """
    codes = list(dict.fromkeys(code.upper() for code in countries))
    known = Country.objects.in_bulk(codes)
    if unknown := [code for code in codes if code not in known]:
        raise ToolError(f"No country has the code {', '.join(unknown)}. Codes are those of ISO 3166, such as DE or JP.")
    return [CountryCompared.model_validate(known[code]) for code in codes]


# Trips: rows that clients write


@mcp.tool(title="Plan a trip", destructive=False, open_world=False, atomic=True, scopes=["trips:write"])
def plan_trip(
    title: Annotated[str, Field(min_length=1, max_length=120)],
    city_ids: Annotated[list[int], Field(min_length=2, max_length=20)],
    ctx: Context,
    nights: Annotated[int, Field(ge=0, le=365)] = 1,
) -> TripPlanned:
    """Save a trip that begins at the first city and always goes on to the nearest one left.

    Args:
        title: What to call the trip.
        city_ids: Ids from find_cities or nearest_cities. The order of all but the first is worked out.
        nights: How many nights to stay in each city.
    """
    trip = trips.plan(title, city_ids, nights=nights, user=ctx.user)
    return TripPlanned.of(trips.with_stops(Trip.objects.all()).get(pk=trip.pk))


@mcp.tool(title="List trips", read_only=True, public=True, open_world=False)
async def list_trips(ctx: Context, limit: Limit = 20) -> list[TripSummary]:
    """List your trips, the latest first.

    Args:
        limit: Most trips to return.
    """
    return [TripSummary.model_validate(trip) async for trip in Trip.objects.visible_to(ctx.user)[:limit]]


@mcp.tool(title="Read a trip", read_only=True, public=True, open_world=False)
async def get_trip(trip_id: int, ctx: Context) -> TripPlanned:
    """Return a trip of yours with its stops and the distances between them.

    Args:
        trip_id: Id from list_trips or plan_trip.
    """
    return TripPlanned.of(await trips.with_stops(Trip.objects.visible_to(ctx.user)).aget(pk=trip_id))


@mcp.tool(
    title="Delete a trip",
    destructive=True,
    idempotent=True,
    open_world=False,
    atomic=True,
    scopes=["trips:write"],
)
def delete_trip(trip_id: int, ctx: Context) -> str:
    """Delete a trip of yours, with its stops, for good.

    Args:
        trip_id: Id from list_trips or plan_trip.
    """
    trip = Trip.objects.visible_to(ctx.user).get(pk=trip_id)
    trip.delete()
    return f"The trip {trip.title!r} is deleted."


# Work that takes a while and says how far it is


@mcp.tool(title="Loneliest cities", read_only=True, public=True, open_world=False, timeout=120)
async def loneliest_cities(ctx: Context, min_population: Inhabitants = 100_000, limit: Limit = 10) -> list[LonelyCity]:
    """Rank the cities of the world by how far away the next city is, the loneliest first. Walks all countries.

    Args:
        min_population: Take only cities with as many inhabitants into account, as neighbours as well.
        limit: Most cities to return.
    """
    countries = [country async for country in Country.objects.all()]
    search = await LonelinessSearch.begin(min_population=min_population, limit=limit)
    for done, country in enumerate(countries):
        await ctx.report_progress(done, len(countries), country.name)
        await search.visit(country)  # each await lets a cancellation in, and other calls
    await ctx.info(f"Walked {len(countries)} countries.")
    return [LonelyCity.of(*found) for found in await search.results()]


@mcp.tool(title="Most spread countries", read_only=True, public=True, open_world=False, timeout=120)
def most_spread_countries(
    continent: Continent, min_population: Inhabitants = 100_000
) -> Generator[Progress, None, list[Spread]]:
    """Rank the countries of a continent by how far apart their two remotest cities are. Measures every pair.

    Args:
        continent: Code of the continent.
        min_population: Take only cities with as many inhabitants into account.
    """
    countries = list(Country.objects.filter(continent=continent))
    spreads = []
    for done, country in enumerate(countries):
        yield Progress(done, len(countries), country.name)  # the work ends here when nobody waits for it any more
        cities = list(country.cities.filter(population__gte=min_population))
        if farthest := farthest_apart(cities):
            start, end, kilometres = farthest
            spreads.append(
                Spread(
                    country=CountryNamed.model_validate(country),
                    cities=len(cities),
                    start=start.name,
                    end=end.name,
                    distance_km=round(kilometres, 1),
                )
            )
    return sorted(spreads, key=lambda spread: spread.distance_km, reverse=True)


# Resources


@mcp.resource("atlas://about", title="About the atlas", public=True, mime_type="application/json")
async def about() -> About:
    """What the atlas holds, in numbers, and where it comes from."""
    return About(
        countries=await Country.objects.acount(),
        cities=await City.objects.acount(),
        names=await CityName.objects.acount(),
        trips=await Trip.objects.acount(),
        source="GeoNames (geonames.org), CC BY 4.0",
    )


@mcp.resource(
    "atlas://countries/{iso}",
    title="Country",
    public=True,
    mime_type="application/json",
    complete={"iso": Country.objects.order_by("iso").values_list("iso", flat=True)},
)
def country(iso: str) -> CountryDetail:
    """A country: figures, languages, neighbours, largest cities."""
    return CountryDetail.of(Country.objects.get(iso=iso.upper()))


@mcp.resource("atlas://cities/{id}", title="City", public=True, mime_type="application/json")
def city(id: int) -> CityDetail:
    """A city with its names in all languages."""
    return CityDetail.of(City.objects.select_related("country").get(pk=id))


# Prompts and completions


@mcp.prompt(title="Plan a weekend", public=True)
def plan_a_weekend(city: str, days: Annotated[int, Field(ge=1, le=7)] = 2) -> str:
    """Plan a short trip that starts in a city.

    Args:
        city: Where to start, in any language.
        days: How many days there are.
    """
    return (
        f"Plan a trip of {days} days that starts in {city}. Find the city with find_cities, look around it with "
        f"nearest_cities, and choose at most {days} places that are worth a day each. Save them with plan_trip, "
        "then show me the legs with their distances, and what to see at each stop."
    )


@mcp.prompt(title="Choose a country", public=True)
def choose_a_country(continent: Continent, wish: str = "a quiet place with a good climate") -> list[Message]:
    """Find the country of a continent that suits you.

    Args:
        continent: Where to look.
        wish: What matters to you.
    """
    return [
        UserMessage(f"I look for a country in {continent.label}: {wish}. Which ones come into question?"),
        AssistantMessage("I'll name a few, compare their figures with compare_countries, and ask what matters most."),
        UserMessage("Go ahead. Say which figures come from the atlas and which are your own knowledge."),
    ]


@mcp.completion(prompt="plan_a_weekend", argument="city")
def complete_city(value: str) -> list[str]:
    """Suggest cities whose name, in any language, begins like what was typed, the largest first."""
    found = gazetteer.find_by_name(value, limit=20)
    return list(dict.fromkeys(city.name for city in found))
