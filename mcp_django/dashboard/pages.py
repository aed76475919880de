"""Every page of the dashboard, in the order of the navigation, and where it is.

A page is imported when somebody first asks for it or for the navigation: the admin's URLs are part of every management
command that checks the project.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, path
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from mcp_django.dashboard.page import Page


class Address(NamedTuple):
    """Where one page is, on every ``AdminSite``."""

    route: str
    """Below ``<admin>/mcp_django/dashboard/``, such as ``"components/"``."""

    url_name: str
    """The name of its URL in the namespace ``admin``."""

    view: str
    """Its class, by the module below ``mcp_django.dashboard``."""

    @property
    def page(self) -> type[Page]:
        """The page itself."""
        found: type[Page] = import_string(f"mcp_django.dashboard.{self.view}")
        return found

    def url(self, admin_site: AdminSite) -> URLPattern:
        """Return the page's URL on a site. The site refuses whom it refuses everywhere."""

        def show(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            return self.page.as_view(admin_site=admin_site)(request, **kwargs)

        return path(self.route, admin_site.admin_view(show), name=self.url_name)


PAGES = (
    Address("", "mcp_django_dashboard", "overview.OverviewPage"),
    Address("components/", "mcp_django_components", "components.ComponentsPage"),
    Address("components/switch/", "mcp_django_switch", "components.SwitchPage"),
    Address("components/reload/", "mcp_django_reload", "components.ReloadPage"),
    Address("components/of/<str:component>/", "mcp_django_component", "components.ComponentPage"),
    Address("console/", "mcp_django_console", "console.ConsolePage"),
    Address("sign-in/", "mcp_django_sign_in", "sign_in.SignInPage"),
    Address("sign-in/disconnect/", "mcp_django_disconnect", "sign_in.DisconnectPage"),
    Address("routes/", "mcp_django_routes", "routes.RoutesPage"),
    Address("health/", "mcp_django_health", "health.HealthPage"),
    Address("connect/", "mcp_django_connect", "connect.ConnectPage"),
)
