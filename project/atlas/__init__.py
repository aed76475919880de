"""Countries, cities and trips: the app of the demo project."""

from __future__ import annotations
