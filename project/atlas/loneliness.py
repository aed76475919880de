"""How far cities are from one another: from the nearest one, and from the farthest one of their country."""

from __future__ import annotations

from heapq import heappush, heappushpop
from itertools import combinations
from math import dist
from typing import TYPE_CHECKING, Self

from project.atlas.geography import Point, chord_to_km, unit_vector
from project.atlas.grid import Grid
from project.atlas.models import City, Country

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class LonelinessSearch:
    """Looks for the cities that are farthest from any other, a country at a time.

    Args:
        points: where all the cities are that count, by their ids.
        limit: how many to find.
    """

    def __init__(self, points: Mapping[int, Point], limit: int) -> None:
        self._points, self._limit = points, limit
        self._grid = Grid(points)
        self._loneliest: list[tuple[float, int, int]] = []
        """A heap of kilometres, the city's id and the nearest city's id: the least lonely comes first."""

    @classmethod
    async def begin(cls, *, min_population: int, limit: int) -> Self:
        """Read where the cities of at least ``min_population`` inhabitants are."""
        places = City.objects.filter(population__gte=min_population).order_by()
        rows = places.values_list("pk", "latitude", "longitude")
        return cls({pk: Point(latitude, longitude) async for pk, latitude, longitude in rows}, limit)

    async def visit(self, country: Country) -> None:
        """Take the cities of a country into account."""
        async for pk in City.objects.filter(country=country).order_by().values_list("pk", flat=True):
            if pk in self._points:
                self._weigh(pk)

    def _weigh(self, pk: int) -> None:
        full = len(self._loneliest) == self._limit
        found = self._grid.nearest(pk, beyond_km=self._loneliest[0][0] if full else 0)
        if found is None:
            return
        nearest, kilometres = found
        (heappushpop if full else heappush)(self._loneliest, (kilometres, pk, nearest))

    async def results(self) -> list[tuple[City, City, float]]:
        """Return the loneliest cities so far with the city nearest to each and its distance, loneliest first."""
        ranked = sorted(self._loneliest, reverse=True)
        ids = {pk for _, city, nearest in ranked for pk in (city, nearest)}
        cities = await City.objects.select_related("country").ain_bulk(ids)
        return [(cities[city], cities[nearest], kilometres) for kilometres, city, nearest in ranked]


def farthest_apart(cities: Sequence[City]) -> tuple[City, City, float] | None:
    """Return the two cities that are farthest apart, and their distance in kilometres; ``None`` of fewer than two.

    Measures every pair: a thousand cities take a second.
    """
    placed = [(unit_vector(city.point), city) for city in cities]
    if len(placed) < 2:
        return None
    (here, start), (there, end) = max(combinations(placed, 2), key=lambda pair: dist(pair[0][0], pair[1][0]))
    return start, end, chord_to_km(dist(here, there))
