"""What agents do: the first page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Q
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mcp_django.activity.heartbeat import live_workers
from mcp_django.activity.windows import SPANS, Window, read_window
from mcp_django.conf import get_settings
from mcp_django.dashboard import figures
from mcp_django.dashboard.names import name_of
from mcp_django.dashboard.page import Page
from mcp_django.models import Session
from mcp_django.registry import MCPServer, discover, servers
from mcp_django.sessions.rows import idle_since

TITLES = {"hour": _("1 hour"), "day": _("1 day"), "week": _("7 days")}


class OverviewPage(Page):
    """One server: what it was asked in the last hour, day or week, and what came of it."""

    title = _("Dashboard")
    permission = "mcp_django.view_dashboard"
    template_name = "admin/mcp_django/dashboard.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        discover()
        known = {server.path: server for server in servers()}
        server = known.get(self.request.GET.get("server", "")) or next(iter(known.values()))
        span = SPANS.get(self.request.GET.get("span", ""), SPANS["hour"])
        window = read_window(server.path, span, datetime.now(UTC))
        return super().get_context_data(
            server=server,
            server_name=name_of(server),
            servers=[(each.path, name_of(each)) for each in known.values()],
            spans=TITLES,
            span=span.name,
            recording=get_settings().ACTIVITY != "off",
            **self._live(server),
            **self._figures(server, window),
            **kwargs,
        )

    def _figures(self, server: MCPServer, window: Window) -> dict[str, Any]:
        address = figures.addresses(self._changelist("call"), server.path, window)
        components = figures.component_lines(window, address)
        return {
            "window": window,
            "total": window.total.total,
            "before": window.before,
            "calls_url": address(),
            "before_url": address(*window.times_before),
            "errors_url": address(outcome__in=figures.ERRORS),
            "refused_url": address(outcome__exact="refused"),
            "cancelled_url": address(outcome__exact="cancelled"),
            "timed_url": address(outcome__in=figures.TIMED),
            **{f"p{share}": window.total.total.percentile(share / 100) for share in (50, 95, 99)},
            "user_count": len(window.total.users),
            "client_count": len(window.total.clients),
            "calls_chart": figures.calls_chart(window),
            "latency_chart": figures.latency_chart(window),
            "numbers": figures.numbers(window, address),
            "components": components[: figures.MOST],
            "slowest": figures.slowest(components),
            "failing": figures.most_failing(components),
            "clients": figures.client_lines(window, address),
            "users": figures.user_lines(window, address),
            "errors": figures.reasons(window, address, "tool_error", "failed"),
            "refusals": figures.reasons(window, address, "refused"),
            "limits": figures.reasons(window, address, "refused", of=figures.LIMITS),
        }

    def _live(self, server: MCPServer) -> dict[str, Any]:
        """Return what is there at this moment."""
        of_sessions = Count("open_streams", filter=~Q(open_streams__session=""))
        workers = list(live_workers(timezone.now()).annotate(of_sessions=of_sessions))
        since, sessions = idle_since(), self._changelist("session")
        lookups = {"server": server.path, "seen__gte": since.isoformat(" ")}
        return {
            "workers": workers,
            "open_streams": sum(worker.streams for worker in workers),
            "open_sessions": Session.objects.filter(server=server.path, seen__gte=since).count(),
            "streams_url": self._changelist("stream"),
            "sessions_url": f"{sessions}?{urlencode(lookups)}" if sessions else "",
        }

    def _changelist(self, model: str) -> str:
        """Return where the rows of a model are listed, if this user may see them on this site."""
        if not self.request.user.has_perm(f"mcp_django.view_{model}"):
            return ""
        try:
            return reverse(f"admin:mcp_django_{model}_changelist", current_app=self.site.name)
        except NoReverseMatch:
            return ""
