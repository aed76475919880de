"""The authorization server: ``path("", include("mcp_django.oauth.urls"))``, in place of ``oauth2_provider.urls``.

The toolkit's URLs under the toolkit's names, with our views where clients of MCP need them. Its list of tokens leads to
our page of connected apps, which ends all that a client holds at once, and records it. Three parts are left out:
token introspection, which would tell any client that registered itself about everybody's tokens; the pages on which
users make clients, which the admin has; and sign-in on another device (RFC 8628), whose page shows neither the client's
destination nor its scopes, and which no client of MCP uses.
"""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path
from django.views.generic import RedirectView
from oauth2_provider import urls as toolkit

from mcp_django.oauth.views.authorize import AuthorizeView
from mcp_django.oauth.views.connected import ConnectedAppsView, DisconnectView, SwitchAccountView
from mcp_django.oauth.views.register import RegisterView
from mcp_django.oauth.views.token import RevokeView, TokenView
from mcp_django.oauth.wellknown import urlpatterns as wellknown

app_name = "oauth2_provider"

_LEFT_OUT = {
    *("introspect", "list", "register", "detail", "delete", "update"),
    *("device-authorization", "device", "device-confirm", "device-grant-status"),
    "authorized-token-delete",
}

_ours: list[URLPattern | URLResolver] = [
    *wellknown,
    path("authorize/", AuthorizeView.as_view(), name="authorize"),
    path("token/", TokenView.as_view(), name="token"),
    path("revoke_token/", RevokeView.as_view(), name="revoke-token"),
    path("register/", RegisterView.as_view(), name="dcr-register"),
    path("connected-apps/", ConnectedAppsView.as_view(), name="connected-apps"),
    path("connected-apps/<int:pk>/disconnect/", DisconnectView.as_view(), name="disconnect"),
    path("switch-account/", SwitchAccountView.as_view(), name="switch-account"),
    path("authorized_tokens/", RedirectView.as_view(url="../connected-apps/"), name="authorized-token-list"),
]
_names = {pattern.name for pattern in _ours if isinstance(pattern, URLPattern)}

urlpatterns = [
    *_ours,
    # The rest stays, every name of it: the toolkit's documents and answers link to them.
    *(pattern for pattern in toolkit.urlpatterns if pattern.name not in _names | _LEFT_OUT),
]
