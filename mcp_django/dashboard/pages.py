"""Every page of the dashboard, in the order of the navigation."""

from __future__ import annotations

from mcp_django.dashboard.overview import OverviewPage
from mcp_django.dashboard.page import Page

PAGES: tuple[type[Page], ...] = (OverviewPage,)
