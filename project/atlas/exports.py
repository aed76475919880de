"""What the atlas gives to programs that are no AI clients: custom routes beside the endpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from pydantic import BaseModel, Field

from mcp_django import mcp
from project.atlas.models import City, Country


class Inhabited(BaseModel):
    """What a map leaves out."""

    population: int = Field(0, ge=0, description="Fewest inhabitants.")


@mcp.custom_route("/countries/{iso}/cities.geojson", name="cities", query=Inhabited, public=True, throttle="60/m")
def cities(request: HttpRequest, iso: str, query: Inhabited) -> StreamingHttpResponse:
    """Export a country's cities as GeoJSON (RFC 7946), the largest first."""
    country = get_object_or_404(Country, iso=iso.upper())
    found = country.cities.filter(population__gte=query.population).order_by("-population", "pk")
    return StreamingHttpResponse(_collection(found.iterator()), content_type="application/geo+json")


def _collection(found: Iterator[City]) -> Iterator[str]:
    yield '{"type":"FeatureCollection","features":['
    for number, city in enumerate(found):
        yield f"{',' if number else ''}{json.dumps(_feature(city))}"
    yield "]}"


def _feature(city: City) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": city.pk,
        "geometry": {"type": "Point", "coordinates": [city.longitude, city.latitude]},
        "properties": {"name": city.name, "population": city.population},
    }
