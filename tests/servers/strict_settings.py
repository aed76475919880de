"""The demo's settings, with a policy that lets a page load and run nothing but what the site itself serves."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from project import settings
from project.settings import *  # noqa: F403 - as settings extend settings

POLICY = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
MIDDLEWARE = ["tests.servers.strict_settings.keep_policy", *settings.MIDDLEWARE]


def keep_policy(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Send the policy with every page: the browser complains of what is against it."""

    def respond(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.setdefault("Content-Security-Policy", POLICY)
        return response

    return respond
