"""Tokens, in the admin, for ``OAUTH2_PROVIDER["ACCESS_TOKEN_ADMIN_CLASS"]`` and ``["REFRESH_TOKEN_ADMIN_CLASS"]``."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from oauth2_provider.admin import AccessTokenAdmin, RefreshTokenAdmin

from mcp_django.oauth import events
from mcp_django.oauth.connections import disconnect


def _record(request: HttpRequest, queryset: QuerySet[Any]) -> None:
    for token in queryset.select_related("application"):
        events.token_revoked(request, token.application, by=request.user)


class MCPAccessTokenAdmin(AccessTokenAdmin):  # type: ignore[misc]
    """The toolkit's, which revokes token by token, with an action that ends all that a client holds of a user's."""

    actions = (*AccessTokenAdmin.actions, "disconnect")

    @admin.action(description=_("Revoke the selected access tokens"), permissions=["change"])
    def revoke_tokens(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        _record(request, queryset)
        super().revoke_tokens(request, queryset)

    @admin.action(description=_("Disconnect the clients of the selected access tokens"), permissions=["change"])
    def disconnect(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        pairs = {(token.user, token.application) for token in queryset.select_related("user", "application")}
        found = [(user, application) for user, application in pairs if user is not None and application is not None]
        for user, application in found:
            disconnect(user, application)
        text = ngettext("%d client was disconnected.", "%d clients were disconnected.", len(found))
        self.message_user(request, text % len(found))


class MCPRefreshTokenAdmin(RefreshTokenAdmin):  # type: ignore[misc]
    """The toolkit's, which records what is revoked."""

    @admin.action(description=_("Revoke the selected refresh tokens"), permissions=["change"])
    def revoke_tokens(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        _record(request, queryset)
        super().revoke_tokens(request, queryset)
