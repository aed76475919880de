"""The tools as plain functions: the decorators leave them as they are."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest
from asgiref.sync import async_to_sync
from atlas_sample import APIA, BERLIN, LABASA, MUNICH, PARIS, SUVA
from django.contrib.auth.models import AnonymousUser, User

from mcp_django import Context, Progress, ToolError
from project.atlas import mcp as components
from project.atlas.models import Continent, Country, Stop, Trip

if TYPE_CHECKING:
    from collections.abc import Generator

    from django.test.utils import CaptureQueriesContext
    from pytest_django import DjangoAssertNumQueries

    from project.atlas.loading import Source


@dataclass
class Caller:
    """Whom the tools see, and what they say while they work."""

    user: Any = field(default_factory=AnonymousUser)
    progress: list[tuple[float, float | None, str | None]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    async def report_progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        self.progress.append((progress, total, message))

    async def info(self, message: str) -> None:
        self.said.append(message)


def as_context(caller: Caller) -> Context:
    return cast("Context", caller)


@pytest.fixture
def caller() -> Context:
    return as_context(Caller())


@pytest.mark.parametrize("name", ["Munich", "MÜNCHEN", "muenchen", "muc"])
def test_a_city_is_found_by_every_spelling_of_its_name(atlas: Source, name: str) -> None:
    assert [city.id for city in components.find_cities(name)] == [MUNICH]


def test_exact_names_come_before_beginnings_and_large_cities_before_small(atlas: Source) -> None:
    assert [city.name for city in components.find_cities("Ber")] == ["Berlin"]
    assert [city.name for city in components.find_cities("m")] == ["Munich", "Münster"]
    assert [city.name for city in components.find_cities("Munster")] == ["Münster"]
    assert [city.name for city in components.find_cities("par")] == ["Paris"]


def test_a_search_keeps_to_a_country_and_a_limit(atlas: Source) -> None:
    assert components.find_cities("Paris", country="de") == []
    assert [city.id for city in components.find_cities("Paris", country="fr")] == [PARIS]
    assert len(components.find_cities("m", limit=1)) == 1


def test_a_name_of_punctuation_finds_nothing(atlas: Source) -> None:
    assert components.find_cities("?!") == []


def test_finding_cities_takes_two_queries(atlas: Source, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(2):
        components.find_cities("mun")


def nearest(latitude: float, longitude: float, **options: Any) -> list[tuple[str, float]]:
    found = async_to_sync(components.nearest_cities)(latitude, longitude, **options)
    return [(city.name, city.distance_km) for city in found]


def test_the_nearest_cities_come_first_with_their_distance(atlas: Source) -> None:
    found = nearest(50.0, 8.3, limit=3)
    assert [name for name, _ in found] == ["Köln", "Strasbourg", "Münster"]
    assert [km for _, km in found] == pytest.approx([141, 163, 223], rel=0.01)


def test_the_nearest_city_may_be_beyond_the_antimeridian(atlas: Source) -> None:
    assert [name for name, _ in nearest(-14, -179, limit=3)] == ["Labasa", "Suva", "Apia"]


@pytest.mark.parametrize(("latitude", "first"), [(90, "Berlin"), (-90, "Suva")])
def test_cities_are_found_from_the_poles(atlas: Source, latitude: float, first: str) -> None:
    assert nearest(latitude, 0, limit=1)[0][0] == first


def test_cities_out_of_reach_are_left_out(atlas: Source) -> None:
    assert [name for name, _ in nearest(50.0, 8.3, within_km=170)] == ["Köln", "Strasbourg"]
    assert nearest(0, 0, within_km=1000) == []


def test_all_cities_are_returned_when_there_are_fewer_than_asked_for(atlas: Source) -> None:
    assert len(nearest(0, 0, limit=50)) == len(atlas.cities)


def test_only_the_neighbourhood_is_read(atlas: Source, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    captured: CaptureQueriesContext
    with django_assert_num_queries(2) as captured:
        nearest(52.5, 13.4, limit=1)
    south, north = map(float, re.findall(r'"latitude" [<>]= ([\d.e+]+)', captured[0]["sql"]))
    assert 52 < south < north < 53


def test_countries_are_compared_in_the_order_asked_for(atlas: Source) -> None:
    fiji, germany = components.compare_countries(["FJ", "de", "DE"])
    assert (fiji.name, germany.name) == ("Fiji", "Germany")
    assert (germany.density_per_km2, germany.currency_code) == (232.3, "EUR")
    assert germany.continent is Continent.EUROPE


def test_unknown_countries_are_named(atlas: Source) -> None:
    with pytest.raises(ToolError, match="XX, YY"):
        components.compare_countries(["DE", "XX", "yy"])


def test_a_trip_goes_on_to_the_nearest_city_left(atlas: Source, caller: Context) -> None:
    plan = components.plan_trip("Round", [BERLIN, PARIS, MUNICH], caller, nights=3)
    assert [(stop.position, stop.city.id) for stop in plan.stops] == [(1, BERLIN), (2, MUNICH), (3, PARIS)]
    assert [leg.distance_km for leg in plan.legs] == pytest.approx([504, 685], rel=0.01)
    assert plan.total_km == pytest.approx(sum(leg.distance_km for leg in plan.legs), abs=0.2)
    assert plan.total_nights == 9
    assert Stop.objects.filter(trip_id=plan.id).count() == 3


def test_a_trip_is_read_as_it_was_planned(atlas: Source, caller: Context) -> None:
    planned = components.plan_trip("South Sea", [SUVA, APIA, LABASA], caller)
    assert async_to_sync(components.get_trip)(planned.id, caller) == planned
    assert [trip.title for trip in async_to_sync(components.list_trips)(caller)] == ["South Sea"]


def test_a_deleted_trip_takes_its_stops_along(atlas: Source, caller: Context) -> None:
    planned = components.plan_trip("South Sea", [SUVA, APIA], caller)
    assert "South Sea" in components.delete_trip(planned.id, caller)
    assert not Stop.objects.exists()
    with pytest.raises(Trip.DoesNotExist):
        components.delete_trip(planned.id, caller)


def test_nobody_reads_or_deletes_the_trip_of_another(atlas: Source, caller: Context) -> None:
    ada = as_context(Caller(user=User.objects.create_user("ada")))
    hers = components.plan_trip("Hers", [SUVA, APIA], ada)
    assert async_to_sync(components.list_trips)(caller) == []
    with pytest.raises(Trip.DoesNotExist):
        async_to_sync(components.get_trip)(hers.id, caller)
    with pytest.raises(Trip.DoesNotExist):
        components.delete_trip(hers.id, caller)
    assert async_to_sync(components.get_trip)(hers.id, ada).title == "Hers"


def test_the_loneliest_cities_are_ranked_with_progress(atlas: Source) -> None:
    caller = Caller()
    ranked = async_to_sync(components.loneliest_cities)(as_context(caller), min_population=0, limit=2)
    assert [(each.city.name, each.nearest.name) for each in ranked] == [("Apia", "Labasa"), ("Berlin", "Münster")]
    assert [step[0] for step in caller.progress] == list(range(len(atlas.countries)))
    assert {step[1] for step in caller.progress} == {len(atlas.countries)}
    assert caller.said == ["Walked 5 countries."]


def test_small_cities_are_no_company(atlas: Source) -> None:
    ranked = async_to_sync(components.loneliest_cities)(as_context(Caller()), min_population=2_000_000)
    assert [(each.city.name, each.nearest.name) for each in ranked] == [("Paris", "Berlin"), ("Berlin", "Paris")]


def run_to_the_end(steps: Generator[Progress, None, Any]) -> tuple[list[Progress], Any]:
    progress = []
    while True:
        try:
            progress.append(next(steps))
        except StopIteration as stop:
            return progress, stop.value


def test_the_most_spread_countries_are_ranked_with_progress(atlas: Source) -> None:
    progress, ranked = run_to_the_end(components.most_spread_countries(Continent.EUROPE))
    assert [(each.country.iso, {each.start, each.end}) for each in ranked] == [
        ("DE", {"Münster", "Munich"}),
        ("FR", {"Paris", "Strasbourg"}),
    ]
    assert ranked[0].distance_km == pytest.approx(511, rel=0.01)
    assert [(step.progress, step.message) for step in progress] == [(0, "France"), (1, "Germany"), (2, "Vatican")]


def test_resources_hold_what_is_known(atlas: Source) -> None:
    germany = components.country("de")
    assert [each.iso for each in germany.neighbours] == ["FR"]
    assert [each.name for each in germany.largest_cities] == ["Berlin", "Munich", "Köln", "Münster"]
    assert components.city(BERLIN).names == ["ber", "berlin", "berlino", "ベルリン"]
    with pytest.raises(Country.DoesNotExist):
        components.country("XX")


def test_the_atlas_says_what_it_holds(atlas: Source) -> None:
    about = async_to_sync(components.about)()
    assert (about.countries, about.cities, about.trips) == (5, 9, 0)
    assert json.loads(about.model_dump_json())["source"].startswith("GeoNames")


def test_prompts_name_the_tools_to_use() -> None:
    text = components.plan_a_weekend("Berlin", 3)
    assert all(tool in text for tool in ("find_cities", "nearest_cities", "plan_trip"))
    messages = components.choose_a_country(Continent.ASIA, wish="mountains")
    assert [message.role for message in messages] == ["user", "assistant", "user"]
    assert "Asia: mountains" in messages[0].content


def test_cities_are_suggested_by_what_was_typed(atlas: Source) -> None:
    assert components.complete_city("mün") == ["Munich", "Münster"]
    assert components.complete_city("") == []
