"""The links between the pages of this app in the admin."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from mcp_django.dashboard.pages import PAGES

ACTIVITY = "mcp_django_call_changelist"
SESSIONS = "mcp_django_session_changelist"
STREAMS = "mcp_django_stream_changelist"


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the navigation."""

    title: str | Promise
    url: str
    current: bool


def links(request: HttpRequest) -> list[Link]:
    """Return the links to what this user may see on this site."""
    pages = [(address.url_name, address.page) for address in PAGES]
    entries = [(page.title, url_name, page.permission) for url_name, page in pages if page.in_navigation]
    entries.insert(1, (_("Activity"), ACTIVITY, "mcp_django.view_call"))
    entries[-4:-4] = [
        (_("Sessions"), SESSIONS, "mcp_django.view_session"),
        (_("Streams"), STREAMS, "mcp_django.view_stream"),
    ]
    found = []
    for title, url_name, permission in entries:
        if not request.user.has_perm(permission):
            continue
        try:
            url = reverse(f"admin:{url_name}", current_app=getattr(request, "current_app", None))
        except NoReverseMatch:  # a site that registers only some of the models
            continue
        found.append(Link(title, url, current=_is_current(request, url_name)))
    return found


def _is_current(request: HttpRequest, url_name: str) -> bool:
    shown = request.resolver_match.url_name if request.resolver_match else None
    return shown is not None and shown.removesuffix("_changelist") == url_name.removesuffix("_changelist")
