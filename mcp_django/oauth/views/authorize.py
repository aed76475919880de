"""The page that asks whether a client may act for somebody."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from oauth2_provider.exceptions import OAuthToolkitError
from oauth2_provider.models import get_application_model
from oauth2_provider.views import AuthorizationView
from oauthlib.oauth2 import OAuth2Error

from mcp_django.oauth import events
from mcp_django.oauth.cimd import fetching
from mcp_django.oauth.clients import is_local, shown_host
from mcp_django.oauth.connections import has_connection
from mcp_django.oauth.forms import MCPAllowForm
from mcp_django.oauth.issuer import issuer, with_issuer
from mcp_django.oauth.resources import bind, names_of

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "script-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    # The client's window may have opened this one, and waits to be told (OpenAI's does).
    "Cross-Origin-Opener-Policy": "unsafe-none",
    # "no-referrer" would make browsers send "Origin: null" with the form, which Django's CSRF check refuses.
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
"""Of the page that asks for consent. The policy names no form-action: Chrome applies it to the redirect as well."""


class ConsentNeeded(Exception):
    """A code would be given out without anybody being asked."""


@method_decorator(login_not_required, name="dispatch")
class AuthorizeView(AuthorizationView):  # type: ignore[misc]
    """Authorization requests (RFC 6749 §4.1.1). Nobody's client gets a code unless its user has pressed the button.

    Only a client that was set up by hand, and doesn't end on the user's own computer, may be allowed without a
    question, by its ``skip_authorization`` or by the project's ``REQUEST_APPROVAL_PROMPT``.
    """

    template_name = "mcp_django/authorize.html"
    form_class = MCPAllowForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            with fetching():
                response = super().dispatch(request, *args, **kwargs)
        else:
            response = super().dispatch(request, *args, **kwargs)
        for name, value in HEADERS.items():
            response[name] = value
        return response  # type: ignore[no-any-return]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        asked = request.GET.copy()
        asked.pop("approval_prompt", None)  # it would be the client that waives the question
        request.GET = asked  # type: ignore[assignment]
        try:
            return super().get(request, *args, **kwargs)  # type: ignore[no-any-return]
        except ConsentNeeded:
            return self.render_to_response(self.get_context_data(**self.oauth2_data))  # type: ignore[no-any-return]

    def validate_authorization_request(self, request: HttpRequest) -> tuple[list[str], dict[str, Any]]:
        scopes, credentials = super().validate_authorization_request(request)
        client = get_application_model().objects.get(client_id=credentials["client_id"])
        try:
            bind(request.GET.getlist("resource"), scopes, client, request)
        except OAuth2Error as error:
            raise OAuthToolkitError(error=error, redirect_uri=credentials["redirect_uri"]) from None
        return scopes, credentials

    def create_authorization_response(
        self,
        request: HttpRequest,
        scopes: str,
        credentials: dict[str, Any],
        allow: bool,  # noqa: FBT001
    ) -> Any:
        if request.method != "POST" and not may_skip(credentials):
            raise ConsentNeeded
        return super().create_authorization_response(request, scopes, credentials, allow)

    def form_valid(self, form: MCPAllowForm) -> HttpResponse:
        application = get_application_model().objects.get(client_id=form.cleaned_data["client_id"])
        known = has_connection(self.request.user, application)
        response: HttpResponse = super().form_valid(form)
        if not form.cleaned_data["allow"]:
            events.consent_denied(self.request, application)
        elif "code=" in urlsplit(response.get("Location", "")).query:
            events.consent_given(self.request, application, form.cleaned_data["scopes"], more=known)
        return response

    def form_invalid(self, form: MCPAllowForm) -> HttpResponse:
        status = 400 if "client_id" in form.errors else 200
        return self.render_to_response(self.get_context_data(form=form), status=status)  # type: ignore[no-any-return]

    def error_response(self, error: OAuthToolkitError, application: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().error_response(error, application, **kwargs)
        if error.oauthlib_error.error != "access_denied":  # which is somebody's decision
            events.refused(self.request, "authorization", response.status_code, error.oauthlib_error.error)
        return response

    def redirect(self, redirect_to: str, application: Any) -> HttpResponse:
        return super().redirect(with_issuer(redirect_to, issuer(self.request)), application)  # type: ignore[no-any-return]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        form = context["form"]
        asked = form.cleaned_data if form.is_bound else self.oauth2_data
        client_id, redirect_uri = asked.get("client_id", ""), asked.get("redirect_uri") or ""
        application = get_application_model().objects.filter(client_id=client_id).first()
        return {
            **context,
            "account": self.request.user,
            "application": application,
            "publisher": shown_host(client_id) if client_id.startswith("https://") else None,
            "redirect_host": destination(redirect_uri),
            "is_local": is_local(redirect_uri),
            "servers": names_of(asked.get("resource") or "", self.request),
            "here": self.request.get_full_path(),
        }


def destination(redirect_uri: str) -> str:
    """Return where a redirect leads, for people: the host, or the program's scheme."""
    parts = urlsplit(redirect_uri)
    return shown_host(redirect_uri) if parts.scheme in ("http", "https") else f"{parts.scheme}:"


def may_skip(credentials: dict[str, Any]) -> bool:
    """Whether a client may be allowed without its user being asked."""
    application = get_application_model().objects.get(client_id=credentials["client_id"])
    by_hand = application.registration_source == application.RegistrationSource.MANUAL
    return by_hand and not is_local(credentials["redirect_uri"])
