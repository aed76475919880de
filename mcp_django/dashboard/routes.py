"""Where the servers are reached: their endpoints, and the plain routes beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy

from mcp_django.conf import get_settings
from mcp_django.dashboard.catalogue import entries
from mcp_django.dashboard.page import Page
from mcp_django.endpoints import endpoint
from mcp_django.registry import MCPServer, discover, servers


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One URL at which clients speak MCP."""

    server: MCPServer
    methods: str
    url: str
    transport: str


class RoutesPage(Page):
    """All URLs of this app that clients may ask for."""

    title = gettext_lazy("Routes")
    permission = "mcp_django.view_dashboard"
    template_name = "admin/mcp_django/routes.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        routes = [each for each in entries(counted=False) if each.facts.kind == "route"]
        return super().get_context_data(
            endpoints=self._endpoints(),
            routes=routes,
            auth=get_settings().AUTH,
            may_look=self.request.user.has_perm("mcp_django.view_componentswitch"),
            **kwargs,
        )

    def _endpoints(self) -> list[Endpoint]:
        discover()
        found = []
        for server in servers():
            url = self.request.build_absolute_uri(f"/{endpoint(server)}")
            found.append(Endpoint(server, "POST GET DELETE" if get_settings().SESSIONS else "POST", url, "HTTP"))
            if get_settings().SSE:
                found.append(Endpoint(server, "GET", f"{url}/sse", "HTTP+SSE"))
                found.append(Endpoint(server, "POST", f"{url}/messages", "HTTP+SSE"))
        return found
