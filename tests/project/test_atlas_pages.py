from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from atlas_sample import BERLIN, MUNICH
from django.contrib.auth.models import AnonymousUser
from django.urls import reverse

from project.atlas import trips

if TYPE_CHECKING:
    from django.test import Client

    from project.atlas.loading import Source


pytestmark = pytest.mark.usefixtures("own_pages")


def test_the_first_page_says_where_the_endpoint_is(client: Client) -> None:
    response = client.get("/", headers={"host": "localhost:8000"})
    assert "<code>http://localhost:8000/mcp</code>" in response.content.decode()


@pytest.mark.parametrize("model", ["country", "city", "trip"])
def test_the_admin_lists_what_is_there(atlas: Source, admin_client: Client, model: str) -> None:
    trips.plan("Germany", [BERLIN, MUNICH], nights=1, user=AnonymousUser())
    page = admin_client.get(reverse(f"admin:atlas_{model}_changelist")).content.decode()
    assert "Germany" in page


def test_the_admin_finds_a_city_by_any_spelling(atlas: Source, admin_client: Client) -> None:
    found = admin_client.get(reverse("admin:atlas_city_changelist"), {"q": "Mün"}).context["cl"].queryset
    assert sorted(city.name for city in found) == ["Munich", "Münster"]
    nothing = admin_client.get(reverse("admin:atlas_city_changelist"), {"q": "?"}).context["cl"].queryset
    assert nothing.count() == len(atlas.cities)


def test_the_admin_edits_a_trip_with_its_stops(atlas: Source, admin_client: Client) -> None:
    trip = trips.plan("Germany", [BERLIN, MUNICH], nights=1, user=AnonymousUser())
    page = admin_client.get(reverse("admin:atlas_trip_change", args=[trip.pk])).content.decode()
    assert "Berlin (DE)" in page
    assert "Munich (DE)" in page
