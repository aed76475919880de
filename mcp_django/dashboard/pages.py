"""Every page of the dashboard, in the order of the navigation."""

from __future__ import annotations

from mcp_django.dashboard.components import ComponentPage, ComponentsPage, ReloadPage, SwitchPage
from mcp_django.dashboard.connect import ConnectPage
from mcp_django.dashboard.console import ConsolePage
from mcp_django.dashboard.health import HealthPage
from mcp_django.dashboard.overview import OverviewPage
from mcp_django.dashboard.page import Page
from mcp_django.dashboard.routes import RoutesPage
from mcp_django.dashboard.sign_in import DisconnectPage, SignInPage

PAGES: tuple[type[Page], ...] = (
    OverviewPage,
    ComponentsPage,
    SwitchPage,
    ReloadPage,
    ComponentPage,
    ConsolePage,
    SignInPage,
    DisconnectPage,
    RoutesPage,
    HealthPage,
    ConnectPage,
)
