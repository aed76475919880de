"""Django's protection against cross-site request forgery, for the routes that a cookie may count for."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.module_loading import import_string


def check_csrf(request: HttpRequest) -> HttpResponseBase | None:
    """Return what Django answers to a request that may come from another site's page; ``None`` when it may be served.

    The URLs of routes are exempt from the middleware itself, which can't tell one method of a path from another. Where
    a project has no such middleware, its views are not protected, and routes aren't either.
    """
    protection = _protection(tuple(settings.MIDDLEWARE))
    if protection is None:
        return None
    return protection(_unused).process_view(request, _unused, (), {})


def _unused(request: HttpRequest) -> HttpResponse:
    raise AssertionError("Nothing calls it: the middleware only looks whether it is exempt.")


@lru_cache(maxsize=8)
def _protection(middleware: tuple[str, ...]) -> type[CsrfViewMiddleware] | None:
    for path in middleware:
        found = import_string(path)
        if isinstance(found, type) and issubclass(found, CsrfViewMiddleware):
            return found
    return None
