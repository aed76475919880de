from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from atlas_sample import APIA, BERLIN, LABASA, MUNICH, SUVA
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError, QuerySet

from project.atlas import trips
from project.atlas.geography import Box, Point, box_around
from project.atlas.models import City, CityName, Country, Stop, Trip

if TYPE_CHECKING:
    from project.atlas.loading import Source


def query_plan(queryset: QuerySet[Any, Any]) -> str:
    """Ask the database how it would find the rows, if it had too many to read them all."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
    return queryset.explain()


@pytest.mark.parametrize("box", [box_around(Point(52.5, 13.4), 50), box_around(Point(-18, 179.9), 300)])
def test_a_bounding_box_is_a_range_of_an_index(atlas: Source, box: Box) -> None:
    plan = query_plan(City.objects.within(box).order_by())
    assert "atlas_city_place" in plan
    assert "latitude" in plan


def test_an_exact_name_is_looked_up_in_an_index(atlas: Source) -> None:
    plan = query_plan(CityName.objects.filter(folded="berlin").order_by())
    assert "atlas_cityname_folded" in plan


def test_the_beginning_of_a_name_is_a_range_of_an_index(atlas: Source) -> None:
    plan = query_plan(CityName.objects.filter(folded__prefix="ber").order_by())
    assert "atlas_cityname_folded" in plan
    if connection.vendor == "sqlite":
        assert "folded>? AND folded<?" in plan


def test_cities_of_a_name_are_found_without_reading_the_table(atlas: Source) -> None:
    beginning = CityName.objects.filter(folded__prefix="ber").values("city_id")
    plan = query_plan(City.objects.filter(pk__in=beginning).order_by())
    assert "atlas_cityname_folded" in plan
    if connection.vendor == "sqlite":
        assert "SCAN" not in plan


@pytest.mark.parametrize(
    ("prefix", "found"), [("mun", 3), ("muni", 1), ("mu", 5), ("ベル", 1), ("mun%", 0), ("m_n", 0)]
)
def test_prefixes_find_what_begins_with_them(atlas: Source, prefix: str, found: int) -> None:
    assert CityName.objects.filter(folded__prefix=prefix).count() == found


def test_prefixes_can_be_excluded(atlas: Source) -> None:
    names = CityName.objects.filter(city_id=BERLIN).exclude(folded__prefix="berl")
    assert sorted(name.folded for name in names) == ["ber", "ベルリン"]


def test_a_box_over_the_antimeridian_finds_cities_on_both_sides(atlas: Source) -> None:
    found = City.objects.within(Box(-20, -10, 177, -170))
    assert {city.pk for city in found} == {SUVA, LABASA, APIA}


def test_a_country_with_cities_cannot_go(atlas: Source) -> None:
    with pytest.raises(ProtectedError):
        Country.objects.get(pk="DE").delete()


def test_a_city_of_a_trip_cannot_go(atlas: Source) -> None:
    Stop.objects.create(trip=Trip.objects.create(title="Berlin"), position=1, city_id=BERLIN)
    with pytest.raises(ProtectedError):
        City.objects.get(pk=BERLIN).delete()


def test_a_name_is_stored_once_for_a_city(atlas: Source) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        CityName.objects.create(city_id=BERLIN, folded="berlin")
    CityName.objects.create(city_id=MUNICH, folded="berlin")


def test_two_stops_of_a_trip_cannot_have_the_same_position(atlas: Source) -> None:
    trip = Trip.objects.create(title="Germany")
    Stop.objects.create(trip=trip, position=1, city_id=BERLIN)
    with pytest.raises(IntegrityError), transaction.atomic():
        Stop.objects.create(trip=trip, position=1, city_id=MUNICH)
    Stop.objects.create(trip=Trip.objects.create(title="Another"), position=1, city_id=MUNICH)


def test_coordinates_are_checked(atlas: Source) -> None:
    city = City.objects.get(pk=BERLIN)
    city.latitude, city.longitude = 90.5, -181
    with pytest.raises(ValidationError) as refused:
        city.full_clean()
    assert set(refused.value.message_dict) == {"latitude", "longitude"}


def test_rows_have_readable_names(atlas: Source) -> None:
    stop = Stop(trip=Trip(title="Germany"), position=2, city=City.objects.get(pk=BERLIN))
    assert [str(stop), str(stop.trip), str(stop.city)] == ["2. Berlin (DE)", "Germany", "Berlin (DE)"]
    assert str(CityName(folded="berlin")) == "berlin"
    assert str(Country.objects.get(pk="DE")) == "Germany"


def test_a_trip_belongs_to_its_owner_alone(atlas: Source) -> None:
    ada, bob = (User.objects.create_user(name) for name in ("ada", "bob"))
    cities = [BERLIN, MUNICH]
    hers = trips.plan("Hers", cities, nights=1, user=ada)
    nobodys = trips.plan("Nobody's", cities, nights=1, user=AnonymousUser())
    assert list(Trip.objects.visible_to(ada)) == [hers]
    assert list(Trip.objects.visible_to(bob)) == []
    assert list(Trip.objects.visible_to(AnonymousUser())) == [nobodys]


@pytest.mark.parametrize(
    ("city_ids", "complaint"),
    [([BERLIN, MUNICH, BERLIN], f"more than once: {BERLIN}"), ([BERLIN, 1, 2], "No city has the id 1, 2")],
)
def test_a_plan_with_a_wrong_city_is_refused_and_saves_nothing(
    atlas: Source, city_ids: list[int], complaint: str
) -> None:
    with pytest.raises(ValidationError, match=complaint):
        trips.plan("Wrong", city_ids, nights=1, user=AnonymousUser())
    assert not Trip.objects.exists()
