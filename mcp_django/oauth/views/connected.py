"""Pages on which people see, and end, what clients may do for them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.generic import TemplateView, View
from oauth2_provider.scopes import get_scopes_backend

from mcp_django.oauth.connections import connected_clients, disconnect, granted_scopes


class ConnectedAppsView(LoginRequiredMixin, TemplateView):
    """The clients that may act for whoever is signed in."""

    template_name = "mcp_django/connected_apps.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        texts = get_scopes_backend().get_all_scopes()
        user = self.request.user
        connections = [
            (client, [texts.get(scope, scope) for scope in granted_scopes(user, client)])
            for client in connected_clients(user)
        ]
        return {**super().get_context_data(**kwargs), "account": user, "connections": connections}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        response = super().dispatch(request, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        response["X-Frame-Options"] = "DENY"
        return response


class DisconnectView(LoginRequiredMixin, View):
    """Ends what one client may do."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        client = get_object_or_404(connected_clients(request.user), pk=pk)
        disconnect(request.user, client)
        if hasattr(request, "_messages"):  # MessageMiddleware is the project's choice
            messages.success(request, _("%(client)s was disconnected.") % {"client": client})
        return redirect(reverse("oauth2_provider:connected-apps"))


@method_decorator(login_not_required, name="dispatch")
class SwitchAccountView(View):
    """Signs out, and in again as somebody else, on the way to ``next``."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        target = request.POST.get("next", "")
        ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
        logout(request)
        return redirect_to_login(target if ours else reverse("oauth2_provider:connected-apps"))
