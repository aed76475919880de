"""Headers of pages that aren't ours."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, reverse
from django.utils.deprecation import MiddlewareMixin


class OAuthHeadersMiddleware(MiddlewareMixin):
    """Lets a client that opened a window for signing in see it come back.

    Django's ``SECURE_CROSS_ORIGIN_OPENER_POLICY`` cuts the tie between the two windows on the page where people log in.
    On the way to the page that asks for consent it isn't set. Put this below ``SecurityMiddleware``.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Set the header on a page that leads to the authorization page."""
        if self._leads_to_consent(request):
            response.headers.setdefault("Cross-Origin-Opener-Policy", "unsafe-none")
        return response

    def _leads_to_consent(self, request: HttpRequest) -> bool:
        target = request.GET.get(REDIRECT_FIELD_NAME)
        if target is None and request.method == "POST" and request.path == resolve_url(settings.LOGIN_URL):
            target = request.POST.get(REDIRECT_FIELD_NAME)
        try:
            return target is not None and urlsplit(target).path == reverse("oauth2_provider:authorize")
        except (NoReverseMatch, ValueError):
            return False
