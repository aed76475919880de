"""The demo project: an atlas of countries and cities that AI clients can ask."""

from __future__ import annotations
