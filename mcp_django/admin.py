"""The sessions of handshake clients, in the admin; and, where there is sign-in, service accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from mcp_django.models import Session

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Session]
else:
    ModelAdmin = admin.ModelAdmin  # not subscriptable when it runs


def _end(ids: list[str]) -> None:
    from mcp_django.sessions.store import end_sessions  # with Channels behind it: not for every management command

    end_sessions(ids)


@admin.register(Session)
class SessionAdmin(ModelAdmin):
    """To look at and to end; nobody makes one by hand."""

    list_display = ("__str__", "server", "user", "client_id", "protocol_version", "created", "seen")
    list_filter = ("server", "protocol_version")
    date_hierarchy = "seen"
    list_select_related = ("user",)
    actions = ("end",)

    @admin.action(description=_("End the selected sessions"), permissions=["delete"])
    def end(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        ids = list(queryset.values_list("pk", flat=True))
        _end(ids)
        text = ngettext("%d session was ended on every worker.", "%d sessions were ended on every worker.", len(ids))
        self.message_user(request, text % len(ids))

    def delete_model(self, request: HttpRequest, obj: Session) -> None:
        _end([obj.pk])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        _end(list(queryset.values_list("pk", flat=True)))

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return ["id", "client_id", f"user__{get_user_model().USERNAME_FIELD}"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        return False


if apps.is_installed("oauth2_provider"):
    from mcp_django.oauth import account_admin  # noqa: F401 - registers service accounts
