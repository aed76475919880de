"""Who is nearest to whom among thousands of points, without asking the database for each."""

from __future__ import annotations

from collections import defaultdict
from itertools import product
from math import ceil, dist, pi, sqrt
from typing import TYPE_CHECKING

from project.atlas.geography import Point, chord_to_km, km_to_chord, unit_vector

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Cell = tuple[int, int, int]
Vector = tuple[float, float, float]

_ROOM = 3.0
"""Side of a cell, in average distances between points: a few points in most cells that hold any."""


class Grid:
    """Points of the sphere, sorted into cubes: neighbours are in the same cube or in one beside it.

    Args:
        points: by an id of the caller's choice.
    """

    def __init__(self, points: Mapping[int, Point]) -> None:
        self._side = min(2.0, _ROOM * sqrt(4 * pi / max(len(points), 1)))
        self._vectors: dict[int, Vector] = {key: unit_vector(point) for key, point in points.items()}
        self._cells: dict[Cell, list[int]] = defaultdict(list)
        for key, vector in self._vectors.items():
            self._cells[self._cell(vector)].append(key)

    def nearest(self, key: int, *, beyond_km: float = 0) -> tuple[int, float] | None:
        """Return the nearest other point and how many kilometres away it is.

        ``None`` when nothing else is there, or as soon as something turns up that is no farther than ``beyond_km``:
        whoever looks for the loneliest point needn't know how crowded the others are.

        Raises:
            KeyError: ``key`` is none of the points.
        """
        centre, too_near = self._vectors[key], km_to_chord(beyond_km)
        found: tuple[float, int] | None = None
        for shell in range(ceil(2 / self._side) + 2):
            if found and found[0] <= (shell - 1) * self._side:  # the cells of this shell are farther away than that
                break
            for other in self._shell(self._cell(centre), shell):
                if other == key:
                    continue
                chord = dist(centre, self._vectors[other])
                if beyond_km and chord <= too_near:
                    return None
                if found is None or chord < found[0]:
                    found = (chord, other)
        return (found[1], chord_to_km(found[0])) if found else None

    def _cell(self, vector: Vector) -> Cell:
        x, y, z = (int(part // self._side) for part in vector)
        return x, y, z

    def _shell(self, centre: Cell, shell: int) -> Iterator[int]:
        """Yield the points in the cells that are ``shell`` cells away from ``centre``."""
        around = range(-shell, shell + 1)
        for offset in product(around, repeat=3):
            if max(map(abs, offset)) == shell:
                yield from self._cells.get((centre[0] + offset[0], centre[1] + offset[1], centre[2] + offset[2]), ())
