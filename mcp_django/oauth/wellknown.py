"""The documents that clients look for at the root of the host, for an authorization server that is mounted elsewhere.

Beside ``path("o/", include("mcp_django.oauth.urls"))``, put ``path("", include("mcp_django.oauth.wellknown"))``.
"""

from __future__ import annotations

from django.urls import path

from mcp_django.oauth.views.metadata import AuthorizationServerMetadataView, ProtectedResourceMetadataView

_server = AuthorizationServerMetadataView.as_view()
_resource = ProtectedResourceMetadataView.as_view()

urlpatterns = [
    path(".well-known/oauth-authorization-server", _server, name="oauth-server-metadata"),
    path(
        ".well-known/oauth-authorization-server/<path:issuer_path_asked>", _server, name="oauth-server-metadata-issuer"
    ),
    path(".well-known/oauth-protected-resource", _resource, name="oauth-resource-metadata"),
    path(".well-known/oauth-protected-resource/<path:resource_path>", _resource, name="oauth-resource-metadata-path"),
]
