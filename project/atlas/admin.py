from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import Count

from project.atlas.folding import fold
from project.atlas.models import City, Country, Stop, Trip

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest


@admin.register(Country)
class CountryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ["name", "iso", "continent", "capital", "population", "area_km2", "density", "currency_code"]
    list_filter = ["continent", "currency_code"]
    search_fields = ["name", "iso__iexact", "iso3__iexact", "capital"]
    filter_horizontal = ["neighbours"]

    @admin.display(description="inhabitants per km²")
    def density(self, country: Country) -> float | None:
        return country.density_per_km2


@admin.register(City)
class CityAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ["name", "country", "population", "latitude", "longitude", "timezone"]
    list_filter = ["country__continent"]
    list_select_related = ["country"]
    search_fields = ["names__folded__prefix"]
    search_help_text = "The beginning of a name, in any language."
    autocomplete_fields = ["country"]
    show_full_result_count = False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[City], search_term: str
    ) -> tuple[QuerySet[City], bool]:
        """Search the folded names for all the words together, as they stand there."""
        if not (folded := fold(search_term)):
            return queryset, False
        return queryset.filter(names__folded__prefix=folded), True


class StopInline(admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    model = Stop
    extra = 0
    autocomplete_fields = ["city"]


@admin.register(Trip)
class TripAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display = ["title", "owner", "stop_count", "created"]
    list_filter = ["created"]
    list_select_related = ["owner"]
    search_fields = ["title", "stops__city__name"]
    date_hierarchy = "created"
    inlines = [StopInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Trip]:
        trips: QuerySet[Trip] = super().get_queryset(request)
        return trips.annotate(stop_count=Count("stops"))

    @admin.display(description="stops", ordering="stop_count")
    def stop_count(self, trip: Trip) -> int:
        count: int = trip.stop_count  # type: ignore[attr-defined]  # annotated above
        return count
