"""The app of the project that several workers serve together."""

from __future__ import annotations
