"""Tags of the templates in ``admin/mcp_django``."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import RequestContext

from mcp_django.dashboard.navigation import links

register = template.Library()


@register.inclusion_tag("admin/mcp_django/navigation.html", takes_context=True)
def mcp_navigation(context: RequestContext) -> dict[str, Any]:
    """Show the links between the pages of this app."""
    return {"links": links(context["request"]), "is_popup": context.get("is_popup")}
