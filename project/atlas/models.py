"""Countries and cities, which ``loadatlas`` fills in, and the trips that clients plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from project.atlas.geography import Box, Point

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser


class Continent(models.TextChoices):
    """A continent, by the code of GeoNames."""

    AFRICA = "AF", "Africa"
    ANTARCTICA = "AN", "Antarctica"
    ASIA = "AS", "Asia"
    EUROPE = "EU", "Europe"
    NORTH_AMERICA = "NA", "North America"
    OCEANIA = "OC", "Oceania"
    SOUTH_AMERICA = "SA", "South America"


class Country(models.Model):
    """A country or territory with a code of its own, two dissolved ones among them."""

    iso = models.CharField("ISO code", max_length=2, primary_key=True, help_text="ISO 3166-1 alpha-2.")
    iso3 = models.CharField("ISO code of three letters", max_length=3, unique=True, help_text="ISO 3166-1 alpha-3.")
    name = models.CharField(max_length=60, db_index=True)
    continent = models.CharField(max_length=2, choices=Continent, db_index=True)
    capital = models.CharField(max_length=40, blank=True)
    area_km2 = models.PositiveIntegerField("area in km²", help_text="0 where it isn't known or less than one.")
    population = models.PositiveBigIntegerField()
    currency_code = models.CharField(max_length=3, blank=True, help_text="ISO 4217.")
    currency_name = models.CharField(max_length=20, blank=True)
    phone = models.CharField("calling code", max_length=20, blank=True)
    languages = models.JSONField(default=list, blank=True, help_text="IETF language tags, the commonest first.")
    neighbours = models.ManyToManyField("self", blank=True, help_text="Countries with a common border on land.")

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "countries"

    def __str__(self) -> str:
        return self.name

    @property
    def density_per_km2(self) -> float | None:
        """Inhabitants of a square kilometre; ``None`` when the area isn't known."""
        return round(self.population / self.area_km2, 1) if self.area_km2 else None


class CityQuerySet(models.QuerySet["City"]):
    def within(self, box: Box) -> CityQuerySet:
        """Keep the cities inside a box."""
        eastward, westward = Q(longitude__gte=box.west), Q(longitude__lte=box.east)
        meridians = eastward | westward if box.crosses_antimeridian else eastward & westward
        return self.filter(meridians, latitude__gte=box.south, latitude__lte=box.north)


class City(models.Model):
    """A city of at least 15,000 inhabitants, or a capital."""

    id = models.IntegerField("GeoNames id", primary_key=True)
    name = models.CharField(max_length=100)
    # The index on country and population below serves the foreign key as well.
    country = models.ForeignKey(Country, models.PROTECT, related_name="cities", db_index=False)
    latitude = models.FloatField(validators=[MinValueValidator(-90), MaxValueValidator(90)])
    longitude = models.FloatField(validators=[MinValueValidator(-180), MaxValueValidator(180)])
    population = models.PositiveIntegerField()
    timezone = models.CharField("time zone", max_length=40, help_text="Name in the IANA database.")
    admin1 = models.CharField("first-level division", max_length=20, blank=True, help_text="Code of GeoNames.")

    objects = CityQuerySet.as_manager()

    class Meta:
        ordering = ["-population", "id"]
        verbose_name_plural = "cities"
        indexes: ClassVar = [
            models.Index(fields=["latitude", "longitude"], name="atlas_city_place"),
            models.Index(fields=["country", "-population"], name="atlas_city_country"),
            models.Index(fields=["-population", "id"], name="atlas_city_population"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.country_id})"

    @property
    def point(self) -> Point:
        """Where the city lies."""
        return Point(self.latitude, self.longitude)


class CityName(models.Model):
    """One of the names of a city, in the spelling that ``fold`` gives it."""

    city = models.ForeignKey(City, models.CASCADE, related_name="names")
    folded = models.CharField(max_length=255)

    class Meta:
        ordering = ["folded"]
        verbose_name = "city name"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["folded", "city"],
                name="atlas_cityname_folded",
                opclasses=["varchar_pattern_ops", "int4_ops"],  # for prefixes on PostgreSQL
            ),
        ]

    def __str__(self) -> str:
        return self.folded


class TripQuerySet(models.QuerySet["Trip"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> TripQuerySet:
        """Keep the trips of a user; to whoever isn't signed in belong those without an owner."""
        return self.filter(owner=user.pk if user.is_authenticated else None)


class Trip(models.Model):
    """A journey from city to city."""

    title = models.CharField(max_length=120)
    created = models.DateTimeField(auto_now_add=True, db_index=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="trips",
        null=True,
        blank=True,
        help_text="Who planned it.",
    )

    objects = TripQuerySet.as_manager()

    class Meta:
        ordering = ["-created", "-id"]

    def __str__(self) -> str:
        return self.title


class Stop(models.Model):
    """A city of a trip, and how many nights are spent there."""

    # The constraint below serves the foreign key as well.
    trip = models.ForeignKey(Trip, models.CASCADE, related_name="stops", db_index=False)
    position = models.PositiveSmallIntegerField(help_text="1 for the first stop.")
    city = models.ForeignKey(City, models.PROTECT, related_name="stops")
    nights = models.PositiveSmallIntegerField(default=1)

    class Meta:
        ordering = ["trip", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["trip", "position"], name="atlas_stop_position"),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.city}"
