from __future__ import annotations

from django.apps import AppConfig
from django.db.models import CharField

from project.atlas.lookups import Prefix


class AtlasConfig(AppConfig):
    name = "project.atlas"
    label = "atlas"
    verbose_name = "Atlas"

    def ready(self) -> None:
        """Let ``prefix`` be asked of every ``CharField``."""
        CharField.register_lookup(Prefix)
