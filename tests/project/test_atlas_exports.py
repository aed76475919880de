"""The demo's custom routes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from atlas_sample import MUNICH
from django.core.cache import cache
from django.urls import reverse

if TYPE_CHECKING:
    from django.test import Client

    from project.atlas.loading import Source

pytestmark = pytest.mark.usefixtures("own_pages", "atlas")


@pytest.fixture(autouse=True)
def _uncounted() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def export(client: Client, path: str = "/countries/de/cities.geojson") -> Any:
    response: Any = client.get(path)
    assert response.streaming
    assert response["Content-Type"] == "application/geo+json"
    return json.loads(b"".join(response.streaming_content))


def test_a_country_s_cities_are_streamed_as_geojson_the_largest_first(client: Client, atlas: Source) -> None:
    found = export(client, reverse("mcp:cities", args=["DE"]))
    assert found["type"] == "FeatureCollection"
    populations = [each["properties"]["population"] for each in found["features"]]
    assert populations == sorted(populations, reverse=True)
    (munich,) = [each for each in found["features"] if each["id"] == MUNICH]
    longitude, latitude = munich["geometry"]["coordinates"]
    assert (round(longitude), round(latitude)) == (12, 48)
    assert munich["properties"]["name"] == "Munich"


def test_small_cities_can_be_left_out(client: Client) -> None:
    assert len(export(client, "/countries/de/cities.geojson?population=1000000")["features"]) < len(
        export(client)["features"]
    )
    assert client.get("/countries/de/cities.geojson?population=many").status_code == 400
    assert client.get("/countries/xx/cities.geojson").status_code == 404


def test_the_routes_that_come_with_the_package_are_on(client: Client) -> None:
    assert client.get("/readyz").status_code == 200
    document = client.get("/openapi.json").json()
    assert "/countries/{iso}/cities.geojson" in document["paths"]
    assert "/countries/{iso}/cities.geojson" in client.get("/openapi").content.decode()
