"""Documents in which clients read where to sign in (RFC 9728), and how (RFC 8414)."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import NoReverseMatch, reverse
from django.utils.decorators import method_decorator
from django.views.generic import View
from oauth2_provider.settings import oauth2_settings
from oauth2_provider.views import OAuthServerMetadataView

from mcp_django.auth.resources import mcp_scopes, resource_url
from mcp_django.conf import get_settings
from mcp_django.oauth.cors import CORSMixin
from mcp_django.oauth.issuer import issuer, issuer_path, resource_base, site_url
from mcp_django.registry import MCPServer, servers


@method_decorator(login_not_required, name="dispatch")
class AuthorizationServerMetadataView(CORSMixin, OAuthServerMetadataView):  # type: ignore[misc]
    """How to sign in (RFC 8414 §3): the toolkit's document, for this issuer and no other."""

    open_to_all = True

    def get(self, request: HttpRequest, issuer_path_asked: str = "", *args: Any, **kwargs: Any) -> HttpResponse:
        below = request.path.partition("/.well-known/")[0]
        if "/".join(part for part in (below.strip("/"), issuer_path_asked.strip("/")) if part) != (
            issuer_path().strip("/")
        ):
            raise Http404("No such issuer.")
        document = json.loads(super().get(request, *args, **kwargs).content)
        document |= {
            "issuer": issuer(request),
            "scopes_supported": sorted(mcp_scopes()),
            "authorization_response_iss_parameter_supported": True,
        }
        return _kept(JsonResponse(document))

    def _get_endpoint_url(self, request: HttpRequest, view_name: str, required: bool = False) -> str | None:  # noqa: FBT001, FBT002
        try:
            return site_url(request) + reverse(f"oauth2_provider:{view_name}")
        except NoReverseMatch:
            return None


@method_decorator(login_not_required, name="dispatch")
class ProtectedResourceMetadataView(CORSMixin, View):
    """Where to sign in for one of the servers (RFC 9728 §3); without a path, for the default one."""

    open_to_all = True

    def get(self, request: HttpRequest, resource_path: str = "", *args: Any, **kwargs: Any) -> HttpResponse:
        base = resource_base(request)
        path = resource_path.strip("/")
        wanted = resource_url("", base) if not path else f"{site_url(request)}/{path}"
        server = next((each for each in servers() if resource_url(each.path, base) == wanted), None)
        if server is None:
            raise Http404("No such server.")
        return _kept(JsonResponse(self.document(request, server, wanted)))

    def document(self, request: HttpRequest, server: MCPServer, resource: str) -> dict[str, Any]:
        """Return what clients are told. The scopes are those to begin with; challenges ask for more."""
        scopes = dict.fromkeys((*get_settings().OAUTH.BASELINE_SCOPES, *sorted(server.access().scopes)))
        elsewhere = oauth2_settings.OAUTH2_PROTECTED_RESOURCE_AUTHORIZATION_SERVERS
        document = {
            "resource": resource,
            "authorization_servers": list(elsewhere) or [issuer(request)],
            "scopes_supported": list(scopes),
            "bearer_methods_supported": ["header"],
            "resource_name": server.title or server.name or get_settings().TITLE or get_settings().NAME,
            "resource_documentation": server.website_url or (get_settings().WEBSITE_URL if not server.path else ""),
            "resource_policy_uri": oauth2_settings.OAUTH2_PROTECTED_RESOURCE_POLICY_URI,
            "resource_tos_uri": oauth2_settings.OAUTH2_PROTECTED_RESOURCE_TOS_URI,
        }
        return {key: value for key, value in document.items() if value}


def _kept(response: HttpResponse) -> HttpResponse:
    """Let caches keep a document, unless it names the host that was asked for, by whatever header."""
    response["Cache-Control"] = "public, max-age=300" if get_settings().OAUTH.BASE_URL else "no-store"
    return response
