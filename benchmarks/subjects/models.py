"""One table, for the tools that read a row."""

from __future__ import annotations

from django.db import models


class City(models.Model):
    """A row of the size of a small real one."""

    name = models.CharField(max_length=100)
    country = models.CharField(max_length=2)
    population = models.IntegerField()

    def __str__(self) -> str:
        return self.name
