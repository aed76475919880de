"""Finding cities by name and by place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from project.atlas.folding import fold
from project.atlas.geography import FARTHEST_KM, Point, box_around, distance_km
from project.atlas.models import City, CityName

if TYPE_CHECKING:
    from collections.abc import Iterable

FIRST_RADIUS_KM = 50.0
GROWTH = 1.5
"""How much farther to look next when too few cities were near: doubling would fetch twice what is needed."""


def find_by_name(name: str, *, country: str | None = None, limit: int) -> list[City]:
    """Return cities that are called ``name`` in some language, then those whose name begins so, largest first.

    Args:
        country: an ISO code; only cities there.
    """
    folded = fold(name)
    if not folded:
        return []
    cities = City.objects.select_related("country")
    if country:
        cities = cities.filter(country_id=country.upper())
    found = list(cities.filter(names__folded=folded)[:limit])
    if len(found) < limit:
        beginning = CityName.objects.filter(folded__prefix=folded).values("city_id")
        known = [city.pk for city in found]
        found += cities.filter(pk__in=beginning).exclude(pk__in=known)[: limit - len(found)]
    return found


async def find_nearest(centre: Point, *, limit: int, within_km: float | None = None) -> list[tuple[City, float]]:
    """Return the cities nearest to a point with their distance in kilometres, nearest first.

    Looks in a box around the point and in a larger one when that holds too few: each is a range of an index, so the
    table is never read as a whole, unless it holds fewer cities than are asked for.

    Args:
        within_km: leave out what is farther away; ``None``: nothing.
    """
    farthest = FARTHEST_KM if within_km is None else min(within_km, FARTHEST_KM)
    radius = min(FIRST_RADIUS_KM, farthest)
    while True:
        box = box_around(centre, radius)
        places = City.objects.within(box).order_by().values_list("pk", "latitude", "longitude")
        rows = [row async for row in places]
        near = _measured(rows, centre, radius)[:limit]
        if len(near) == limit or radius >= farthest:
            break
        radius = min(radius * GROWTH, farthest)
    cities = await City.objects.select_related("country").ain_bulk([pk for _, pk in near])
    return [(cities[pk], kilometres) for kilometres, pk in near]


def _measured(rows: Iterable[tuple[int, float, float]], centre: Point, radius_km: float) -> list[tuple[float, int]]:
    """Return distance and id of the places within the radius. The box's corners are farther away: they must wait."""
    measured = ((distance_km(centre, Point(latitude, longitude)), pk) for pk, latitude, longitude in rows)
    return sorted(place for place in measured if place[0] <= radius_km)
