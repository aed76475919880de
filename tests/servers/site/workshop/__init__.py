"""The app whose tools show how real servers run them."""

from __future__ import annotations
