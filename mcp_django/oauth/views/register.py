"""Clients that register themselves (RFC 7591). Anybody may, so it is bounded in every direction."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View
from oauth2_provider.models import get_application_model
from oauth2_provider.settings import oauth2_settings

from mcp_django.auth.limits import client_address, take
from mcp_django.conf import get_settings, parse_rate
from mcp_django.oauth import events
from mcp_django.oauth.clients import GRANTS, choose_method, clean_name, clean_redirects
from mcp_django.oauth.cors import CORSMixin
from mcp_django.oauth.unused import unused_clients
from mcp_django.registry import Rate

MAX_BODY_BYTES = 16 * 1024
"""Largest registration; above it the answer is 413."""


class RegistrationRefused(Exception):
    """The client isn't registered, and is told why (RFC 7591 §3.2.2)."""

    def __init__(self, status: int, error: str, description: str, *, retry_after: int | None = None) -> None:
        super().__init__(description)
        self.status, self.error, self.retry_after = status, error, retry_after


# No cookie counts here: a client that a page of somebody else's registers belongs to nobody either.
@method_decorator([csrf_exempt, login_not_required], name="dispatch")
class RegisterView(CORSMixin, View):
    """Takes any client, and gives it no more than a code for which somebody has to sign in and consent.

    It gets no token to manage itself with (RFC 7592): that would be one more credential, of nobody, which never ends.
    """

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            metadata = self.read(request)
            application, secret = self.register(metadata)
        except RegistrationRefused as refusal:
            body = {"error": refusal.error, "error_description": str(refusal)}
            response = JsonResponse(body, status=refusal.status)
            if refusal.retry_after is not None:
                response["Retry-After"] = str(refusal.retry_after)
            events.refused(request, "registration", refusal.status, refusal.error)
        else:
            events.client_registered(request, application)
            response = JsonResponse(self.describe(application, metadata, secret), status=201)
        response["Cache-Control"] = "no-store"
        return response

    def read(self, request: HttpRequest) -> dict[str, Any]:
        """Return what the client says of itself.

        Raises:
            RegistrationRefused: nobody may register, or not now, or what came is no JSON object of a sane size.
        """
        rate = get_settings().OAUTH.DCR_RATE
        permissions = oauth2_settings.DCR_REGISTRATION_PERMISSION_CLASSES
        if not oauth2_settings.DCR_ENABLED:
            raise RegistrationRefused(404, "not_found", "Clients can't register themselves here.")
        wait = take(Rate(*parse_rate(rate)), "register", client_address(request)) if rate else None
        if wait is not None:
            raise RegistrationRefused(429, "too_many_requests", "Come again later.", retry_after=wait)
        if not permissions or not all(each().has_permission(request) for each in permissions):
            raise RegistrationRefused(403, "access_denied", "You may not register a client here.")
        if len(request.body) > MAX_BODY_BYTES:  # of which Django reads DATA_UPLOAD_MAX_MEMORY_SIZE at most
            raise RegistrationRefused(413, "invalid_client_metadata", f"Send at most {MAX_BODY_BYTES} bytes.")
        try:
            metadata = json.loads(request.body)
        except (ValueError, RecursionError):
            metadata = None
        if not isinstance(metadata, dict):
            raise RegistrationRefused(400, "invalid_client_metadata", "Send a JSON object.")
        return metadata

    def register(self, metadata: dict[str, Any]) -> tuple[Any, str | None]:
        """Store the client; return it and its secret, if it is one that has a secret.

        Raises:
            RegistrationRefused: it has no redirect URI that is safe, or there are too many clients already.
        """
        redirects = clean_redirects(metadata.get("redirect_uris"))
        if not redirects:
            text = "redirect_uris must name https, a loopback address, or the scheme of a program that is known here."
            raise RegistrationRefused(400, "invalid_redirect_uri", text)
        most = get_settings().OAUTH.DCR_MAX_CLIENTS
        if most and unused_clients()[:most].count() >= most:
            raise RegistrationRefused(503, "temporarily_unavailable", "There are too many clients.", retry_after=3600)
        public = self.method(metadata) == "none"
        model = get_application_model()
        application = model(
            name=clean_name(metadata.get("client_name")),
            redirect_uris=" ".join(redirects),
            authorization_grant_type=model.GRANT_AUTHORIZATION_CODE,
            client_type=model.CLIENT_PUBLIC if public else model.CLIENT_CONFIDENTIAL,
            registration_source=model.RegistrationSource.DCR,
            hash_client_secret=not public,  # nobody is told the secret of a public one, and hashing takes long
        )
        secret = None if public else application.client_secret
        application.save()
        return application, secret

    def method(self, metadata: dict[str, Any]) -> str:
        """Return how the client proves who it is (RFC 7591 §2: with a secret in the header, when it doesn't say)."""
        if "token_endpoint_auth_method" not in metadata:
            return "client_secret_basic"
        return choose_method(metadata) or "none"

    def describe(self, application: Any, metadata: dict[str, Any], secret: str | None) -> dict[str, Any]:
        """Return what was registered (RFC 7591 §3.2.1)."""
        answer = {
            "client_id": application.client_id,
            "client_id_issued_at": int(application.created.timestamp()),
            "client_name": application.name,
            "redirect_uris": application.redirect_uris.split(),
            "grant_types": GRANTS,
            "response_types": ["code"],
            "token_endpoint_auth_method": self.method(metadata),
            "application_type": "native" if metadata.get("application_type") == "native" else "web",
        }
        return answer if secret is None else {**answer, "client_secret": secret, "client_secret_expires_at": 0}
