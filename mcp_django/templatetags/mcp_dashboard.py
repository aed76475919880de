"""Tags of the templates in ``admin/mcp_django``."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import template
from django.template import RequestContext
from django.utils.formats import number_format
from django.utils.html import format_html

from mcp_django.dashboard.navigation import links

register = template.Library()


@register.inclusion_tag("admin/mcp_django/navigation.html", takes_context=True)
def mcp_navigation(context: RequestContext) -> dict[str, Any]:
    """Show the links between the pages of this app."""
    return {"links": links(context["request"]), "is_popup": context.get("is_popup")}


@register.simple_tag
def querystring_of(**parameters: Any) -> str:
    """Write parameters as a query string; empty ones are left out."""
    return urlencode({name: value for name, value in parameters.items() if value})


@register.simple_tag
def linked(text: str, url: str) -> str:
    """Write a text as a link, if there is somewhere to lead to."""
    return format_html('<a href="{}">{}</a>', url, text) if url else text


@register.filter
def count(value: int) -> str:
    """Write a whole number with the separators of the language."""
    return number_format(value, 0, use_l10n=True, force_grouping=True)


@register.filter
def percent(share: float) -> str:
    """Write a share of one in percent, with one decimal place: what is there at all is never 0."""
    shown = max(round(share * 100, 1), 0.1) if share else 0.0  # rounded here: Django cuts off
    return f"{number_format(shown, 1, use_l10n=True)} %"


@register.filter
def milliseconds(value: float | None) -> str:
    """Write a duration with about two digits that count; a dash for none."""
    if value is None:
        return "-"
    places = 0 if value >= 10 else 1
    return number_format(round(value, places), places, use_l10n=True, force_grouping=True)
