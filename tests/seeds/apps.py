from __future__ import annotations

from django.apps import AppConfig


class SeedsConfig(AppConfig):
    name = "tests.seeds"
    label = "seeds"
