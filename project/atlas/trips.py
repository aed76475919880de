"""Planning a trip and reading it back."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db.models import Prefetch

from project.atlas.geography import distance_km, order_by_nearest
from project.atlas.models import City, Stop, Trip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser

    from project.atlas.models import TripQuerySet


def plan(title: str, city_ids: Sequence[int], *, nights: int, user: AbstractBaseUser | AnonymousUser) -> Trip:
    """Save a trip through the cities, which begins at the first and always goes on to the nearest one left.

    Writes several rows: call it in a transaction.

    Args:
        nights: spent at each stop.
        user: who owns the trip; nobody does when they aren't signed in.

    Raises:
        ValidationError: a city is named twice or isn't known; the message says which.
    """
    cities = _cities_in_order(city_ids)
    trip = Trip(title=title, owner_id=user.pk if user.is_authenticated else None)
    trip.full_clean()
    trip.save()
    route = order_by_nearest([city.point for city in cities])
    Stop.objects.bulk_create(
        Stop(trip=trip, position=position, city=cities[index], nights=nights)
        for position, index in enumerate(route, start=1)
    )
    return trip


def _cities_in_order(city_ids: Sequence[int]) -> list[City]:
    if repeated := sorted({pk for pk in city_ids if city_ids.count(pk) > 1}):
        raise ValidationError({"city_ids": f"Named more than once: {_listed(repeated)}."})
    cities = City.objects.in_bulk(city_ids)
    if unknown := [pk for pk in city_ids if pk not in cities]:
        raise ValidationError({"city_ids": f"No city has the id {_listed(unknown)}."})
    return [cities[pk] for pk in city_ids]


def _listed(ids: Sequence[int]) -> str:
    return ", ".join(map(str, ids))


def with_stops(trips: TripQuerySet) -> TripQuerySet:
    """Fetch the stops of trips along with them, their cities and countries included: two queries."""
    return trips.prefetch_related(Prefetch("stops", Stop.objects.select_related("city__country")))


def legs(stops: Sequence[Stop]) -> list[tuple[City, City, float]]:
    """Return from where to where the trip goes and how many kilometres that is, stop by stop."""
    return [(here.city, there.city, distance_km(here.city.point, there.city.point)) for here, there in pairwise(stops)]
