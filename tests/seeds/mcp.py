"""What a project imports of the blocks: each was a server by itself, and ``SEEDS`` names those of this one."""

from __future__ import annotations

from importlib import import_module

from django.conf import settings

for name in settings.SEEDS:
    import_module(f"tests.seeds.{name}")
