"""Distances and boxes on a sphere. No database, no Django.

Latitudes and longitudes are degrees, -90..90 and -180..180. Lengths are kilometres along the surface.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, cos, degrees, pi, radians, sin, sqrt
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the Earth (IUGG)."""

FARTHEST_KM = pi * EARTH_RADIUS_KM
"""Distance of two antipodes: nothing is farther away."""

_ROUNDING_DEGREES = 1e-9
"""Widens a box by a tenth of a millimetre, so that what lies on its rim isn't lost to rounding."""


class Point(NamedTuple):
    """A place on Earth, in degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Box:
    """What lies between two parallels and two meridians, in degrees.

    It crosses the antimeridian when ``west`` is greater than ``east``.
    """

    south: float
    north: float
    west: float
    east: float

    @property
    def crosses_antimeridian(self) -> bool:
        """Whether the box holds both the longitudes east of ``west`` and those west of ``east``."""
        return self.west > self.east

    def __contains__(self, point: Point) -> bool:
        if not self.south <= point.latitude <= self.north:
            return False
        if self.crosses_antimeridian:
            return point.longitude >= self.west or point.longitude <= self.east
        return self.west <= point.longitude <= self.east


def distance_km(here: Point, there: Point) -> float:
    """Return the great-circle distance by the haversine formula; the ellipsoid differs by up to 0.6 %."""
    phi, phi_there = radians(here.latitude), radians(there.latitude)
    across = sin((phi_there - phi) / 2) ** 2
    along = cos(phi) * cos(phi_there) * sin(radians(there.longitude - here.longitude) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(across + along)))


def box_around(centre: Point, radius_km: float) -> Box:
    """Return the smallest box that holds everything within ``radius_km`` of ``centre``.

    With a pole inside the circle it holds all longitudes.
    """
    angle = radius_km / EARTH_RADIUS_KM
    south, north = centre.latitude - degrees(angle), centre.latitude + degrees(angle)
    if south <= -90 or north >= 90:
        return Box(max(south, -90.0), min(north, 90.0), -180.0, 180.0)
    # The circle touches its outermost meridians nearer to the pole than its centre is, hence the arc sine.
    reach = degrees(asin(min(1.0, sin(angle) / cos(radians(centre.latitude))))) + _ROUNDING_DEGREES
    return Box(
        south - _ROUNDING_DEGREES,
        north + _ROUNDING_DEGREES,
        _wrapped(centre.longitude - reach),
        _wrapped(centre.longitude + reach),
    )


def _wrapped(longitude: float) -> float:
    return (longitude + 180) % 360 - 180


def order_by_nearest(points: Sequence[Point]) -> list[int]:
    """Return the order, as indexes, of a walk that starts at the first point and goes on to the nearest one left."""
    left = list(range(len(points)))
    walk = left[:1]
    del left[:1]
    while left:
        here = points[walk[-1]]
        nearest = min(left, key=lambda index: distance_km(here, points[index]))
        left.remove(nearest)
        walk.append(nearest)
    return walk


def unit_vector(point: Point) -> tuple[float, float, float]:
    """Return the point on a sphere of radius 1, where neither poles nor antimeridian are special."""
    phi, theta = radians(point.latitude), radians(point.longitude)
    return cos(phi) * cos(theta), cos(phi) * sin(theta), sin(phi)


def chord_to_km(chord: float) -> float:
    """Turn the straight distance of two unit vectors, 0..2, into kilometres along the surface."""
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, chord / 2))


def km_to_chord(kilometres: float) -> float:
    """Turn kilometres along the surface into the straight distance of two unit vectors."""
    return 2 * sin(min(kilometres, FARTHEST_KM) / EARTH_RADIUS_KM / 2)
