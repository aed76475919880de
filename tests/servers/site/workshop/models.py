"""What tools write, for a test to read."""

from __future__ import annotations

from django.db import models


class Note(models.Model):
    """A line that a tool wrote under a test's own key."""

    key = models.CharField(max_length=100, db_index=True)
    text = models.CharField(max_length=200)

    def __str__(self) -> str:
        return f"{self.key}: {self.text}"
