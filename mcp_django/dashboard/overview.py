"""What agents do: the first page."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from mcp_django.dashboard.page import Page
from mcp_django.registry import discover, servers


class OverviewPage(Page):
    """Each server at a glance."""

    route = ""
    url_name = "mcp_django_dashboard"
    title = _("Dashboard")
    permission = "mcp_django.view_dashboard"
    template_name = "admin/mcp_django/dashboard.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        discover()
        return super().get_context_data(servers=servers(), **kwargs)
