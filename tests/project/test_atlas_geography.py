from __future__ import annotations

from itertools import pairwise
from math import asin, atan2, cos, degrees, pi, radians, sin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from project.atlas.geography import (
    EARTH_RADIUS_KM,
    FARTHEST_KM,
    Box,
    Point,
    box_around,
    chord_to_km,
    distance_km,
    km_to_chord,
    order_by_nearest,
    unit_vector,
)
from project.atlas.grid import Grid

NORTH_POLE, SOUTH_POLE = Point(90, 0), Point(-90, 0)
points = st.builds(Point, st.floats(-90, 90), st.floats(-180, 180))


def travel(start: Point, bearing: float, kilometres: float) -> Point:
    """Go along a great circle; the bearing is in radians."""
    phi, angle = radians(start.latitude), kilometres / EARTH_RADIUS_KM
    there = asin(max(-1.0, min(1.0, sin(phi) * cos(angle) + cos(phi) * sin(angle) * cos(bearing))))
    turned = atan2(sin(bearing) * sin(angle) * cos(phi), cos(angle) - sin(phi) * sin(there))
    return Point(degrees(there), (start.longitude + degrees(turned) + 180) % 360 - 180)


@pytest.mark.parametrize(
    ("here", "there", "kilometres"),
    [
        (Point(52.5200, 13.4050), Point(48.8566, 2.3522), 878),  # Berlin, Paris
        (Point(51.5074, -0.1278), Point(40.7128, -74.0060), 5570),  # London, New York
        (Point(35.6762, 139.6503), Point(37.7749, -122.4194), 8280),  # Tokyo, San Francisco, over the antimeridian
        (Point(-33.8688, 151.2093), Point(-33.4489, -70.6693), 11340),  # Sydney, Santiago
        (Point(0, 0), Point(0, 1), 111.2),
        (NORTH_POLE, Point(0, 77), FARTHEST_KM / 2),
        (NORTH_POLE, SOUTH_POLE, FARTHEST_KM),
    ],
)
def test_distances_agree_with_known_ones_within_one_percent(here: Point, there: Point, kilometres: float) -> None:
    assert distance_km(here, there) == pytest.approx(kilometres, rel=0.01)
    assert distance_km(there, here) == pytest.approx(distance_km(here, there))


def test_the_antimeridian_is_no_obstacle() -> None:
    assert distance_km(Point(0, 179.5), Point(0, -179.5)) == pytest.approx(111.2, rel=0.01)


def test_all_longitudes_meet_at_a_pole() -> None:
    assert distance_km(Point(90, -120), Point(90, 60)) == pytest.approx(0, abs=1e-6)


def test_a_box_at_the_equator_is_as_wide_as_high() -> None:
    box = box_around(Point(0, 10), 111.195)
    assert (box.south, box.north) == pytest.approx((-1, 1), rel=0.001)
    assert (box.west, box.east) == pytest.approx((9, 11), rel=0.001)


def test_a_box_over_the_antimeridian_holds_both_sides() -> None:
    box = box_around(Point(-18, 179.9), 200)
    assert box.crosses_antimeridian
    assert Point(-18, 179) in box
    assert Point(-18, -179) in box
    assert Point(-18, 0) not in box


@pytest.mark.parametrize("pole", [NORTH_POLE, SOUTH_POLE])
def test_a_box_around_a_pole_holds_all_longitudes(pole: Point) -> None:
    box = box_around(pole, 100)
    assert (box.west, box.east) == (-180, 180)
    assert -90 <= box.south < box.north <= 90


def test_a_box_may_hold_the_whole_earth() -> None:
    assert box_around(Point(10, 20), FARTHEST_KM) == Box(-90, 90, -180, 180)


@settings(deadline=None)
@given(points, st.floats(0, 2 * pi), st.floats(1, FARTHEST_KM), st.floats(0, 1))
def test_a_box_holds_everything_within_its_radius(centre: Point, bearing: float, radius: float, part: float) -> None:
    there = travel(centre, bearing, radius * part)
    if distance_km(centre, there) <= radius:
        assert there in box_around(centre, radius)


def test_a_walk_goes_on_to_the_nearest_point_left() -> None:
    assert order_by_nearest([Point(0, 179), Point(0, -170), Point(0, -179), Point(0, 170)]) == [0, 2, 1, 3]


def test_a_walk_through_nothing_is_empty() -> None:
    assert order_by_nearest([]) == []


@settings(deadline=None)
@given(st.lists(points, min_size=1, max_size=12))
def test_a_walk_visits_every_point_once(places: list[Point]) -> None:
    walk = order_by_nearest(places)
    assert walk[0] == 0
    assert sorted(walk) == list(range(len(places)))
    for step, (here, there) in enumerate(pairwise(walk), start=1):
        least = min(distance_km(places[here], places[left]) for left in walk[step:])
        assert distance_km(places[here], places[there]) == least


@settings(deadline=None)
@given(points, points)
def test_chords_measure_the_same_distances(here: Point, there: Point) -> None:
    (x, y, z), (u, v, w) = unit_vector(here), unit_vector(there)
    chord = ((x - u) ** 2 + (y - v) ** 2 + (z - w) ** 2) ** 0.5
    assert chord_to_km(chord) == pytest.approx(distance_km(here, there), abs=0.5)  # antipodes lose digits
    assert km_to_chord(chord_to_km(chord)) == pytest.approx(min(chord, 2.0), abs=1e-6)


@settings(deadline=None)
@given(st.lists(points, min_size=2, max_size=40), st.data())
def test_the_grid_finds_what_measuring_every_pair_finds(places: list[Point], data: st.DataObject) -> None:
    key = data.draw(st.integers(0, len(places) - 1))
    least = min(distance_km(places[key], place) for other, place in enumerate(places) if other != key)
    found = Grid(dict(enumerate(places))).nearest(key)
    assert found is not None
    assert found[0] != key
    assert found[1] == pytest.approx(least, abs=0.5)


def test_the_grid_knows_no_neighbour_of_a_single_point() -> None:
    assert Grid({7: Point(1, 2)}).nearest(7) is None


def test_the_grid_gives_up_on_points_with_a_neighbour_too_near() -> None:
    grid = Grid({1: Point(0, 0), 2: Point(0, 1), 3: Point(0, 30)})
    assert grid.nearest(1, beyond_km=112) is None
    assert grid.nearest(3, beyond_km=112) == (2, pytest.approx(29 * 111.195, rel=0.001))
