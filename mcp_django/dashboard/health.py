"""Whether what the servers lean on is there, and which processes serve."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from asgiref.sync import async_to_sync
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mcp_django.activity.heartbeat import live_workers
from mcp_django.dashboard.page import Page
from mcp_django.routes.health import CHECKS, NotReady

NAMES = {
    "database": gettext_lazy("Databases"),
    "cache": gettext_lazy("Caches"),
    "channel_layer": gettext_lazy("Channel layer"),
    "migrations": gettext_lazy("Migrations"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look at one thing has found."""

    name: Any
    ok: bool
    text: str
    milliseconds: int


class HealthPage(Page):
    """Looks at each thing when it is asked for, as ``readyz`` does, and names the workers."""

    title = gettext_lazy("Health")
    permission = "mcp_django.view_dashboard"
    template_name = "admin/mcp_django/health.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        workers = live_workers(timezone.now())
        return super().get_context_data(findings=list(findings()), workers=workers, **kwargs)


def findings() -> Iterator[Finding]:
    """Look at everything that ``readyz`` looks at."""
    for name, check in CHECKS.items():
        begun = perf_counter()
        text, ok = _("works"), True
        try:
            async_to_sync(check)()
        except NotReady as error:
            text, ok = str(error), False
        except Exception as error:  # whatever it is, it is what the page is for; its text may hold a password
            text, ok = type(error).__name__, False
        yield Finding(NAMES.get(name, name), ok, text, round((perf_counter() - begun) * 1000))
