"""Tests against real servers, in processes of their own. They run with ``-m server``."""

from __future__ import annotations
