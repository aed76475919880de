"""Tokens, for code and secret; and their end. The toolkit's views, for pages of other origins as well."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from oauth2_provider.models import get_application_model
from oauth2_provider.views import RevokeTokenView
from oauth2_provider.views import TokenView as ToolkitTokenView

from mcp_django.oauth import events
from mcp_django.oauth.cors import CORSMixin

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


# A class with a dispatch of its own doesn't inherit what the toolkit's decorators said of theirs.
@method_decorator([csrf_exempt, login_not_required], name="dispatch")
class TokenView(CORSMixin, ToolkitTokenView):  # type: ignore[misc]
    """Tokens (RFC 6749 §3.2). No cookie counts here."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.POST.get("grant_type") == DEVICE_CODE:  # by which nobody is asked for anything here
            response: HttpResponse = JsonResponse({"error": "unsupported_grant_type"}, status=400)
        else:
            response = super().post(request, *args, **kwargs)
        response["Content-Type"] = "application/json"  # some of the toolkit's refusals call themselves HTML
        response["Cache-Control"] = "no-store"
        if response.status_code != 200:
            events.refused(request, "token", response.status_code, events.error_of(response))
        return response


@method_decorator([csrf_exempt, login_not_required], name="dispatch")
class RevokeView(CORSMixin, RevokeTokenView):  # type: ignore[misc]
    """The end of a token (RFC 7009)."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post(request, *args, **kwargs)
        client_id = request.POST.get("client_id", "")
        if response.status_code == 200:
            application = get_application_model().objects.filter(client_id=client_id).first()
            events.token_revoked(request, application)
        else:
            events.refused(request, "revocation", response.status_code, events.error_of(response))
        return response
