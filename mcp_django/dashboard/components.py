"""What the servers have to offer, and switching it off and on."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from mcp_django.dashboard.audit import log_action
from mcp_django.dashboard.catalogue import COUNTED_DAYS, Entry, entries, find_entry, pretty, schema_change
from mcp_django.dashboard.confirm import ConfirmPage
from mcp_django.dashboard.page import Page
from mcp_django.models import ComponentSwitch
from mcp_django.registry import MCPServer, discover, servers

CHANGE = "mcp_django.change_componentswitch"
RUN = "mcp_django.run_component"


class ComponentsPage(Page):
    """All components, by what they are."""

    title = gettext_lazy("Components")
    permission = "mcp_django.view_componentswitch"
    template_name = "admin/mcp_django/components.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        every = entries()
        query, kind, path = (self.request.GET.get(name, "") for name in ("q", "kind", "server"))
        shown = [each for each in every if _fits(each, query, kind) and path in ("", each.server.path or "~")]
        several = len({each.server.path for each in every}) > 1
        return super().get_context_data(
            entries=shown,
            total=len(every),
            query=query,
            kind=kind,
            server=path,
            kinds=[name for name in KINDS if any(each.facts.kind == name for each in every)],
            servers=[each for each in servers() if several],
            days=COUNTED_DAYS,
            may_change=self.request.user.has_perm(CHANGE),
            may_run=self.request.user.has_perm(RUN),
            **kwargs,
        )


KINDS = ("tool", "resource", "prompt", "completion", "route")


def _fits(entry: Entry, query: str, kind: str) -> bool:
    facts = entry.facts
    text = f"{facts.key} {facts.name} {facts.title} {facts.module}".casefold()
    return kind in ("", facts.kind) and query.casefold() in text


class ComponentPage(Page):
    """One component, with all that is known of it."""

    title = gettext_lazy("Component")
    permission = ComponentsPage.permission
    template_name = "admin/mcp_django/component.html"
    in_navigation = False

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        entry = find_entry(kwargs["component"])
        facts = entry.facts
        switch = ComponentSwitch.objects.filter(server=entry.server.path, kind=facts.kind, key=facts.key)
        schemas = [
            (_("Arguments"), facts.input_schema),
            (_("Result"), facts.output_schema),
            (_("Shown to clients"), facts.listing),
        ]
        return super().get_context_data(
            entry=entry,
            switch=switch.select_related("switched_by").first(),
            change=schema_change(entry),
            schemas=[(heading, pretty(schema)) for heading, schema in schemas if schema],
            may_change=self.request.user.has_perm(CHANGE),
            may_run=self.request.user.has_perm(RUN) and entry.runnable,
            **{**kwargs, "title": facts.title or facts.key},
        )


class SwitchPage(ConfirmPage):
    """Asks before components are switched off or on, and does it."""

    title = gettext_lazy("Switch components")
    permission = CHANGE
    template_name = "admin/mcp_django/switch.html"
    back, back_url_name = ComponentsPage, "mcp_django_components"

    @property
    def on(self) -> bool:
        """Whether they are to be on."""
        return self.request.POST.get("to") == "on"

    @property
    def yes(self) -> str:  # type: ignore[override]
        return _("Yes, switch on") if self.on else _("Yes, switch off")

    def choose(self, request: HttpRequest) -> list[Entry]:
        return [find_entry(token) for token in request.POST.getlist("component")[:1000]]

    def hidden(self, chosen: list[Entry]) -> list[tuple[str, str]]:
        return [("to", "on" if self.on else "off"), *(("component", entry.token) for entry in chosen)]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(on=self.on, **kwargs)

    def act(self, request: HttpRequest, chosen: list[Entry]) -> str:
        for entry in chosen:
            if self.on:
                entry.server.enable(entry.facts.kind, entry.facts.key)
                log_action(request, entry.label, _("Switched on."))
            else:
                entry.server.disable(entry.facts.kind, entry.facts.key, by=request.user)
                log_action(request, entry.label, _("Switched off."))
        if self.on:
            text = ngettext("%d component was switched on.", "%d components were switched on.", len(chosen))
        else:
            text = ngettext("%d component was switched off.", "%d components were switched off.", len(chosen))
        return text % len(chosen)


class ReloadPage(ConfirmPage):
    """Asks before servers are compiled anew, and does it."""

    title = gettext_lazy("Reload components")
    permission = CHANGE
    template_name = "admin/mcp_django/reload.html"
    back, back_url_name = ComponentsPage, "mcp_django_components"
    yes = gettext_lazy("Yes, reload")

    def choose(self, request: HttpRequest) -> list[MCPServer]:
        discover()
        return list(servers())

    def hidden(self, chosen: list[MCPServer]) -> list[tuple[str, str]]:
        return []

    def act(self, request: HttpRequest, chosen: list[MCPServer]) -> str:
        for server in chosen:
            server.reload()
            log_action(request, f"server {server.name or 'default'}", _("Reloaded."))
        return _("Every worker compiles its components anew.")
